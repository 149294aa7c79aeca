import { useRef, type CSSProperties, type KeyboardEvent, type PointerEvent } from "react";

import type { Crop } from "@/api/generated";

import classes from "./CropFrame.module.css";
import { moved, resized, turned, type Corner, type Recipe, type Sides } from "./edits";

interface CropFrameProps {
  url: string;
  alt: string;
  original: Sides;
  recipe: Recipe;
  aspect: number | null;
  onCrop: (crop: Crop) => void;
}

const CORNERS: Corner[] = ["nw", "ne", "sw", "se"];
const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The picture as turned, with the frame of the cut: dragged, or moved with the arrows and sized with Alt. */
export function CropFrame({ url, alt, original, recipe, aspect, onCrop }: CropFrameProps) {
  const stage = useRef<HTMLDivElement>(null);
  const drag = useRef<{ corner: Corner | null; x: number; y: number; from: Crop } | null>(null);
  const sides = turned(original, recipe);
  const whole: Crop = { left: 0, top: 0, ...sides };
  const crop = recipe.crop ?? whole;

  const start = (event: PointerEvent<HTMLElement>) => {
    event.stopPropagation();
    const corner = (event.currentTarget.dataset.corner as Corner | undefined) ?? null;
    event.currentTarget.setPointerCapture(event.pointerId);
    drag.current = { corner, x: event.clientX, y: event.clientY, from: crop };
  };
  const follow = (event: PointerEvent<HTMLElement>) => {
    const box = stage.current?.getBoundingClientRect();
    if (!drag.current || !box) return;
    const by = {
      x: ((event.clientX - drag.current.x) / box.width) * sides.width,
      y: ((event.clientY - drag.current.y) / box.height) * sides.height,
    };
    const { corner, from } = drag.current;
    onCrop(corner ? resized(from, corner, by, sides, aspect) : moved(from, by, sides));
  };
  const stop = () => {
    drag.current = null;
  };
  const press = (event: KeyboardEvent) => {
    const step = ARROWS[event.key];
    if (!step) return;
    event.preventDefault();
    const far = event.shiftKey ? 20 : 2;
    const by = { x: step[0] * far, y: step[1] * far };
    onCrop(event.altKey ? resized(crop, "se", by, sides, aspect) : moved(crop, by, sides));
  };

  const percent = (part: number, all: number) => `${(100 * part) / all}%`;
  const isSideways = recipe.turn % 180 !== 0;
  const picture: CSSProperties = {
    width: isSideways ? percent(sides.height, sides.width) : "100%",
    height: isSideways ? percent(sides.width, sides.height) : "100%",
    transform: `translate(-50%, -50%) scaleX(${recipe.mirror ? -1 : 1}) rotate(${recipe.turn}deg)`,
  };
  const frame: CSSProperties = {
    left: percent(crop.left, sides.width),
    top: percent(crop.top, sides.height),
    width: percent(crop.width, sides.width),
    height: percent(crop.height, sides.height),
  };
  return (
    <div
      ref={stage}
      className={classes.stage}
      style={{ "--aspect": sides.width / sides.height } as CSSProperties}
    >
      <img src={url} alt={alt} className={classes.picture} style={picture} draggable={false} />
      <div
        className={classes.frame}
        style={frame}
        role="slider"
        tabIndex={0}
        aria-label="Crop frame: arrows move it, with Alt they size it"
        aria-valuenow={crop.left}
        aria-valuetext={`${crop.width} × ${crop.height} at ${crop.left}, ${crop.top}`}
        onKeyDown={press}
        onPointerDown={start}
        onPointerMove={follow}
        onPointerUp={stop}
        onPointerCancel={stop}
      >
        {CORNERS.map((corner) => (
          <span
            key={corner}
            className={classes.corner}
            data-corner={corner}
            onPointerDown={start}
            onPointerMove={follow}
            onPointerUp={stop}
            onPointerCancel={stop}
          />
        ))}
      </div>
    </div>
  );
}
