import type { CSSProperties } from "react";

import type { GridImage } from "@/api/generated";
import { sourceFor } from "@/components/Picture";

import classes from "./TrainedPicture.module.css";

/** What the trainer makes of images of one size: the shape it scales to, and the part that stays, in pixels. */
export interface SeenAs {
  bucket: { width: number; height: number };
  kept: { left: number; top: number; width: number; height: number };
  scale: number;
}

const percent = (part: number, whole: number) => `${(100 * part) / whole}%`;

/** The whole picture, what is cut off dimmed, and the shape it is trained at. */
export function TrainedPicture({ item, seenAs }: { item: GridImage; seenAs: SeenAs }) {
  const { width, height } = item.image;
  const { kept, bucket, scale } = seenAs;
  const frame: CSSProperties = {
    left: percent(kept.left, width),
    top: percent(kept.top, height),
    width: percent(kept.width, width),
    height: percent(kept.height, height),
  };
  const size = { aspectRatio: `${width} / ${height}`, [width >= height ? "width" : "height"]: "100%" };
  return (
    <span className={classes.box}>
      <span className={classes.whole} style={size}>
        <img
          src={sourceFor(item.image, 260)}
          alt={item.caption || item.name}
          decoding="async"
          draggable={false}
        />
        <span className={classes.kept} style={frame} />
      </span>
      <span className={classes.label}>
        {bucket.width} × {bucket.height}
        {Math.abs(scale - 1) > 0.005 && <span className={classes.scale}>{Math.round(scale * 100)} %</span>}
      </span>
    </span>
  );
}
