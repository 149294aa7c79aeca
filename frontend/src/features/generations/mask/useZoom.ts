import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

import type { Point } from "./strokes";
import { anchorAt, clampZoom, scrollFor, type Anchor } from "./zoom";

/** A box that shows something larger than itself: by buttons, Ctrl and the wheel, two fingers, or a drag. */
export function useZoom() {
  const box = useRef<HTMLDivElement>(null);
  const [zoom, setZoom] = useState(1);
  const anchor = useRef<Anchor | null>(null);

  /** `at` is where in the window something must stay in its place; the middle of the box when nobody points. */
  const zoomTo = useCallback((by: (old: number) => number, at?: { clientX: number; clientY: number }) => {
    const view = box.current;
    if (!view) return;
    const outer = view.getBoundingClientRect();
    const seen = at
      ? { x: at.clientX - outer.left, y: at.clientY - outer.top }
      : { x: view.clientWidth / 2, y: view.clientHeight / 2 };
    const { scrollLeft: left, scrollTop: top, scrollWidth: width, scrollHeight: height } = view;
    anchor.current = anchorAt({ left, top, width, height }, seen);
    setZoom((old) => clampZoom(by(old)));
  }, []);

  const pan = useCallback((by: Point) => {
    box.current?.scrollBy(-by.x, -by.y);
  }, []);

  useLayoutEffect(() => {
    const view = box.current;
    if (!view || !anchor.current) return;
    const to = scrollFor(anchor.current, { width: view.scrollWidth, height: view.scrollHeight });
    anchor.current = null;
    view.scrollTo(to.x, to.y);
  }, [zoom]);

  useEffect(() => {
    const view = box.current;
    const turn = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault(); // else the whole page grows
      zoomTo((old) => old * Math.exp(-event.deltaY / 300), event);
    };
    view?.addEventListener("wheel", turn, { passive: false });
    return () => view?.removeEventListener("wheel", turn);
  });

  return { box, zoom, zoomTo, pan };
}

export type Zoom = ReturnType<typeof useZoom>;
