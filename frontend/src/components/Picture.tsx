import type { CSSProperties, SyntheticEvent } from "react";

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

// Said to the document itself: while thousands scroll by, drawing every card a second time took as long as the first.
function say(image: HTMLImageElement, state: "loaded" | "broken") {
  if (image.parentElement) image.parentElement.dataset.state = state;
}
const onLoad = (event: SyntheticEvent<HTMLImageElement>) => say(event.currentTarget, "loaded");
const onError = (event: SyntheticEvent<HTMLImageElement>) => say(event.currentTarget, "broken");
const onMount = (node: HTMLImageElement | null) => {
  if (node?.complete && node.naturalWidth > 0) say(node, "loaded");
};

/** An image whose box is reserved at its own shape, with the blurred preview until the file arrives. */
export function Picture({ image, alt, show = 320, fit = "own", eager }: PictureProps) {
  const style = {
    "--ratio": `${image.width} / ${image.height}`,
    "--preview": `url("${image.placeholder}")`,
  } as CSSProperties;
  return (
    <span className={classes.box} data-fit={fit} style={style}>
      <img
        className={classes.image}
        src={sourceFor(image, show)}
        alt={alt}
        width={image.width}
        height={image.height}
        loading={eager ? "eager" : "lazy"}
        decoding="async"
        draggable={false}
        onLoad={onLoad}
        onError={onError}
        ref={onMount}
      />
    </span>
  );
}
