import { useState, type CSSProperties } from "react";

import type { Image } from "@/api/generated";

import classes from "./Picture.module.css";

interface PictureProps {
  image: Pick<Image, "id" | "width" | "height" | "placeholder" | "url">;
  alt: string;
  /** Longest side it is shown at, in CSS pixels; the smallest stored size that is enough is loaded. */
  show?: number;
  fit?: "own" | "square" | "contain";
  eager?: boolean;
}

const SIZES = [128, 320, 768];

export function sourceFor(image: Pick<Image, "id" | "width" | "height" | "url">, show: number): string {
  const wanted = show * Math.min(2, window.devicePixelRatio || 1);
  const size = SIZES.find((candidate) => candidate >= wanted);
  const isSmall = Math.max(image.width, image.height) <= wanted;
  return size === undefined || isSmall ? image.url : `/api/images/${image.id}/thumbnails/${size}`;
}

/** An image whose box is reserved at its own shape, with the blurred preview until the file arrives. */
export function Picture({ image, alt, show = 320, fit = "own", eager }: PictureProps) {
  const [isLoaded, setLoaded] = useState(false);
  const style = {
    "--ratio": `${image.width} / ${image.height}`,
    "--preview": `url("${image.placeholder}")`,
  } as CSSProperties;
  return (
    <span className={classes.box} data-fit={fit} data-loaded={isLoaded || undefined} style={style}>
      <img
        className={classes.image}
        src={sourceFor(image, show)}
        alt={alt}
        width={image.width}
        height={image.height}
        loading={eager ? "eager" : "lazy"}
        decoding="async"
        draggable={false}
        onLoad={() => setLoaded(true)}
        ref={(node) => {
          if (node?.complete && node.naturalWidth > 0) setLoaded(true);
        }}
      />
    </span>
  );
}
