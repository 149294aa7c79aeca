/** What was drawn over an image, as what was done: it can be undone, and drawn again in any size. */

export interface Point {
  x: number;
  y: number;
}
/** One line of the brush. Points and radius in pixels of the image. */
export interface Stroke {
  kind: "stroke";
  isEraser: boolean;
  radius: number;
  points: Point[];
}
export type Deed = Stroke | { kind: "clear" } | { kind: "invert" };
export interface History {
  done: Deed[];
  undone: Deed[];
}

const WHITE = "#fff";
/** Pixels that nobody sees. */
const DOT = 0.01;

export const NO_HISTORY: History = { done: [], undone: [] };

export const add = ({ done }: History, deed: Deed): History => ({ done: [...done, deed], undone: [] });

export function undo({ done, undone }: History): History {
  const last = done.at(-1);
  return last ? { done: done.slice(0, -1), undone: [last, ...undone] } : { done, undone };
}

export function redo({ done, undone }: History): History {
  const [next, ...rest] = undone;
  return next ? { done: [...done, next], undone: rest } : { done, undone };
}

/** How thick the brush may be, in pixels of the image, and how thick it is at first. */
export function brushOf({ width, height }: { width: number; height: number }) {
  const longer = Math.max(width, height);
  return {
    least: Math.max(1, Math.round(longer / 400)),
    most: Math.max(2, Math.round(longer / 6)),
    usual: Math.max(1, Math.round(Math.min(width, height) / 14)),
  };
}

export const within = ({ x, y }: Point, { width, height }: { width: number; height: number }): Point => ({
  x: Math.min(Math.max(x, 0), width),
  y: Math.min(Math.max(y, 0), height),
});

type Pen = Pick<
  CanvasRenderingContext2D,
  | "globalCompositeOperation"
  | "lineWidth"
  | "lineCap"
  | "lineJoin"
  | "strokeStyle"
  | "beginPath"
  | "moveTo"
  | "lineTo"
  | "stroke"
>;

/** Draw a stroke from one of its points on; what is erased becomes clear. */
export function drawStroke(
  pen: Pen,
  { isEraser, radius, points }: Stroke,
  scale: number,
  from = 0,
  colour = WHITE,
) {
  if (!points.length) return;
  pen.globalCompositeOperation = isEraser ? "destination-out" : "source-over";
  pen.strokeStyle = colour;
  pen.lineWidth = 2 * radius * scale;
  pen.lineCap = "round";
  pen.lineJoin = "round";
  pen.beginPath();
  const start = points[Math.max(from - 1, 0)];
  pen.moveTo(start.x * scale, start.y * scale);
  for (const { x, y } of points.slice(from)) pen.lineTo(x * scale, y * scale);
  // A line without any length is not drawn, not even its round ends: one click is to be a dot.
  if (points.length === 1) pen.lineTo(start.x * scale + DOT, start.y * scale);
  pen.stroke();
}

/** Draw all that was done, in a colour on clear; `before` is the mask it began with. */
export function drawAll(
  pen: CanvasRenderingContext2D,
  deeds: Deed[],
  scale: number,
  before: CanvasImageSource | null,
  colour = WHITE,
) {
  const { width, height } = pen.canvas;
  pen.globalCompositeOperation = "source-over";
  pen.clearRect(0, 0, width, height);
  if (before) pen.drawImage(before, 0, 0, width, height);
  for (const deed of deeds) {
    if (deed.kind === "stroke") drawStroke(pen, deed, scale);
    else if (deed.kind === "clear") pen.clearRect(0, 0, width, height);
    else {
      // What is painted is cut out of a full one.
      pen.globalCompositeOperation = "source-out";
      pen.fillStyle = WHITE;
      pen.fillRect(0, 0, width, height);
    }
  }
  pen.globalCompositeOperation = "source-in";
  pen.fillStyle = colour;
  pen.fillRect(0, 0, width, height);
  pen.globalCompositeOperation = "source-over";
}

/** A mask of white and black as white and clear. */
export function asLayer(pixels: Uint8ClampedArray) {
  for (let at = 0; at < pixels.length; at += 4) {
    const grey = (pixels[at] + pixels[at + 1] + pixels[at + 2]) / 3;
    pixels[at + 3] = Math.round((grey * pixels[at + 3]) / 255);
    pixels[at] = pixels[at + 1] = pixels[at + 2] = 255;
  }
}

/** Which part of a layer is painted, from 0 to 1. */
export function coverage(pixels: Uint8ClampedArray): number {
  let sum = 0;
  for (let at = 3; at < pixels.length; at += 4) sum += pixels[at];
  return pixels.length ? sum / 255 / (pixels.length / 4) : 0;
}

/** How much is painted, as one says it. */
export function coverageText(part: number): string {
  if (part === 0) return "Nothing is painted yet.";
  const percent = Math.round(part * 100);
  return percent < 1 ? "Less than 1 % is painted." : `${percent} % is painted.`;
}
