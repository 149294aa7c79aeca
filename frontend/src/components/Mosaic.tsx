import { ImageOff } from "lucide-react";

import type { Image } from "@/api/generated";

import classes from "./Mosaic.module.css";
import { Picture } from "./Picture";

/** Up to four covers as one tile. */
export function Mosaic({ images }: { images: Image[] }) {
  const shown = images.length >= 4 ? images.slice(0, 4) : images.slice(0, 1);
  return (
    <div className={classes.mosaic} data-count={shown.length} aria-hidden>
      {shown.length === 0 && <ImageOff size={26} strokeWidth={1.4} />}
      {shown.map((image) => (
        <Picture key={image.id} image={image} alt="" fit="square" show={160} />
      ))}
    </div>
  );
}
