import { useCallback, useEffect, useLayoutEffect, useRef, useState, type CSSProperties } from "react";
import type { KeyboardEvent, PointerEvent } from "react";
import { flushSync } from "react-dom";

import classes from "./Mask.module.css";
import { coverage, drawAll, drawStroke, within, type Deed, type Point, type Stroke } from "./strokes";
import type { Zoom } from "./useZoom";
import { useFingers } from "./useFingers";

interface MaskCanvasProps {
  imageId: string;
  size: { width: number; height: number };
  before: CanvasImageSource | null;
  deeds: Deed[];
  isEraser: boolean;
  radius: number;
  view: Zoom;
  onStroke: (stroke: Stroke) => void;
  onCovered: (part: number) => void;
}

/** Painting looks no better with more pixels than that; the mask itself is made as large as the image. */
const MOST_SIDE = 1280;
/** Few photographs have much of it. */
const COLOUR = "#ff3d9a";
const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The image with what is painted over it: by mouse, pen, finger, or with arrows and Space. Two fingers move it. */
export function MaskCanvas(props: MaskCanvasProps) {
  const { imageId, size, before, deeds, isEraser, radius, view, onStroke, onCovered } = props;
  const { box, zoom } = view;
  const stage = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const ring = useRef<HTMLSpanElement>(null);
  const stroke = useRef<Stroke | null>(null);
  const [cursor, setCursor] = useState<Point>({ x: size.width / 2, y: size.height / 2 });
  const [isDown, setDown] = useState(false);
  const [shows, setShows] = useState(false);
  const [source, setSource] = useState(`/api/images/${imageId}/file`);
  const scale = Math.min(1, MOST_SIDE / Math.max(size.width, size.height));

  const redraw = useCallback(() => {
    const pen = canvas.current?.getContext("2d", { willReadFrequently: true });
    if (pen) drawAll(pen, deeds, scale, before, COLOUR);
    return pen;
  }, [deeds, before, scale]);
  useLayoutEffect(() => {
    const pen = redraw();
    if (pen) onCovered(coverage(pen.getImageData(0, 0, pen.canvas.width, pen.canvas.height).data));
  }, [redraw, onCovered]);

  // The window was open before the image was.
  useEffect(() => stage.current?.focus({ preventScroll: true }), []);

  const pointOf = (event: { clientX: number; clientY: number }): Point => {
    const box = canvas.current?.getBoundingClientRect();
    if (!box) return { x: 0, y: 0 };
    const x = ((event.clientX - box.left) / box.width) * size.width;
    return { x, y: ((event.clientY - box.top) / box.height) * size.height };
  };
  const reach = (points: Point[]) => {
    const pen = canvas.current?.getContext("2d");
    if (!pen || !stroke.current) return;
    const from = stroke.current.points.length;
    stroke.current = { ...stroke.current, points: [...stroke.current.points, ...points] };
    drawStroke(pen, stroke.current, scale, from, COLOUR);
  };
  const begin = (point: Point) => {
    stroke.current = { kind: "stroke", isEraser, radius, points: [] };
    reach([point]);
  };
  const end = useCallback(() => {
    const made = stroke.current;
    stroke.current = null;
    setDown(false);
    if (made?.points.length) onStroke(made);
  }, [onStroke]);
  // Another tool begins another line; a pen held down by key is lifted.
  useEffect(() => end, [end, isEraser, radius]);

  const fingers = useFingers(view, () => {
    // What the first of two fingers has drawn was not meant.
    stroke.current = null;
    redraw();
  });

  const press = (event: PointerEvent<HTMLElement>) => {
    if (fingers.press(event) || event.button !== 0 || !event.isPrimary) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    end();
    begin(pointOf(event));
    setCursor(within(pointOf(event), size));
  };
  const follow = (event: PointerEvent<HTMLElement>) => {
    if (fingers.follow(event) || !event.isPrimary) return;
    setShows(true);
    setCursor(within(pointOf(event), size));
    if (!stroke.current || isDown) return;
    const all = event.nativeEvent.getCoalescedEvents();
    reach((all.length ? all : [event]).map(pointOf));
  };
  const type = (event: KeyboardEvent) => {
    const step = ARROWS[event.key];
    if (step) {
      event.preventDefault();
      setShows(true);
      const far = Math.max(1, event.shiftKey ? radius * 4 : radius / 2);
      const next = within({ x: cursor.x + step[0] * far, y: cursor.y + step[1] * far }, size);
      // The brush is never out of sight.
      flushSync(() => setCursor(next));
      ring.current?.scrollIntoView({ block: "nearest", inline: "nearest" });
      if (isDown) reach([next]);
    } else if (event.key === " ") {
      event.preventDefault();
      setShows(true);
      if (isDown) {
        end();
        return;
      }
      begin(cursor);
      setDown(true);
    }
  };

  const percent = (part: number, all: number) => `${(100 * part) / all}%`;
  const place: CSSProperties = {
    left: percent(cursor.x, size.width),
    top: percent(cursor.y, size.height),
    width: percent(2 * radius, size.width),
  };
  return (
    <div
      ref={box}
      className={classes.view}
      style={{ "--aspect": size.width / size.height, "--zoom": zoom } as CSSProperties}
    >
      {/* An editor of its own: arrows and Space belong to it. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <div
        ref={stage}
        className={classes.stage}
        role="application"
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        aria-label="Mask over the image"
        aria-describedby="mask-keys"
        onPointerDown={press}
        onPointerMove={follow}
        onPointerUp={(event) => {
          fingers.lift(event);
          if (!isDown) end();
        }}
        onPointerCancel={(event) => {
          fingers.lift(event);
          end();
        }}
        onPointerLeave={() => setShows(false)}
        onKeyDown={type}
        onBlur={end}
      >
        <img
          src={source}
          alt=""
          draggable={false}
          // Not every browser shows HEIC or TIFF.
          onError={() => setSource(`/api/images/${imageId}/thumbnails/768`)}
        />
        <canvas
          ref={canvas}
          width={Math.max(1, Math.round(size.width * scale))}
          height={Math.max(1, Math.round(size.height * scale))}
        />
        {shows && (
          <span
            ref={ring}
            className={classes.ring}
            style={place}
            data-down={isDown || undefined}
            aria-hidden
          />
        )}
        <span className="visually-hidden" role="status">
          {isDown ? "The brush is down." : ""}
        </span>
      </div>
    </div>
  );
}
