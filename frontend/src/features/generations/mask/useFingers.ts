import { useRef, type PointerEvent } from "react";

import type { Zoom } from "./useZoom";

interface Finger {
  clientX: number;
  clientY: number;
}

const middle = ([one, two]: Finger[]): Finger => ({
  clientX: (one.clientX + two.clientX) / 2,
  clientY: (one.clientY + two.clientY) / 2,
});
const apart = ([one, two]: Finger[]) =>
  Math.max(1, Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY));

/** Two fingers move and zoom what one would draw on, and so does a drag with the middle button. */
export function useFingers(view: Zoom, onSecond: () => void) {
  const down = useRef(new Map<number, Finger>());
  const isTwo = () => down.current.size === 2;
  const isDragged = useRef(false);
  const finger = ({ clientX, clientY }: Finger): Finger => ({ clientX, clientY });
  return {
    /** Each returns whether it has used the event. */
    press(event: PointerEvent<HTMLElement>): boolean {
      isDragged.current = event.pointerType === "mouse" && event.button === 1;
      if (event.pointerType !== "touch" && !isDragged.current) return false;
      if (isDragged.current) event.preventDefault();
      event.currentTarget.setPointerCapture(event.pointerId);
      down.current.set(event.pointerId, finger(event));
      if (isTwo()) onSecond();
      return isTwo() || isDragged.current;
    },
    follow(event: PointerEvent<HTMLElement>): boolean {
      const before = down.current.get(event.pointerId);
      if (!before || (!isTwo() && !isDragged.current)) return false;
      const old = [...down.current.values()];
      down.current.set(event.pointerId, finger(event));
      if (!isTwo()) {
        view.pan({ x: event.clientX - before.clientX, y: event.clientY - before.clientY });
        return true;
      }
      const next = [...down.current.values()];
      const [from, to] = [middle(old), middle(next)];
      view.pan({ x: to.clientX - from.clientX, y: to.clientY - from.clientY });
      view.zoomTo((zoom) => (zoom * apart(next)) / apart(old), to);
      return true;
    },
    lift(event: PointerEvent<HTMLElement>) {
      down.current.delete(event.pointerId);
      isDragged.current = false;
    },
  };
}
