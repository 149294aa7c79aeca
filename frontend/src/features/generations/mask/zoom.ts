/** How large the image is shown: 1 fits the window. The scrolled box keeps its place under the pointer. */

import type { Point } from "./strokes";

export const MOST_ZOOM = 8;
const STEPS = [1, 1.5, 2, 3, 4, 6, MOST_ZOOM];

export const clampZoom = (zoom: number) => Math.min(Math.max(zoom, 1), MOST_ZOOM);

/** The next larger or smaller of a few handy ones. */
export function stepZoom(zoom: number, direction: 1 | -1): number {
  const next =
    direction > 0 ? STEPS.find((step) => step > zoom + 0.01) : STEPS.findLast((step) => step < zoom - 0.01);
  return next ?? clampZoom(zoom);
}

export interface Scrolled {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** A place of what is scrolled, as parts of its size, and where in the box it is seen. */
export interface Anchor {
  part: Point;
  seen: Point;
}

/** What is seen at a place of the box. */
export const anchorAt = ({ left, top, width, height }: Scrolled, seen: Point): Anchor => ({
  part: { x: (left + seen.x) / width, y: (top + seen.y) / height },
  seen,
});

/** Where to scroll so that it is seen there again, in whatever size. */
export const scrollFor = ({ part, seen }: Anchor, size: { width: number; height: number }): Point => ({
  x: part.x * size.width - seen.x,
  y: part.y * size.height - seen.y,
});

export const zoomText = (zoom: number) => `${Math.round(zoom * 100)} %`;
