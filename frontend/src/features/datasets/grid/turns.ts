import { useEffect, useState } from "react";
import { flushSync } from "react-dom";

// Of the 16 ms of a frame: what is left is for the browser to lay out and paint what was made.
const BUDGET_MS = 2;

/**
 * Who is drawn next. While a page is scrolled, a row of cards made at once takes longer than a frame: they wait in line
 * as empty boxes, still outside of the window, and as many are made in each frame as its time allows, at least one.
 * A page that lies still makes them at once.
 */
export class Turns {
  private isScrolling = false;
  private line = new Set<() => void>();
  private frame = 0;

  scroll(isScrolling: boolean) {
    this.isScrolling = isScrolling;
  }

  /** Whether a card that comes now may be made at once. */
  isCalm(): boolean {
    return !this.isScrolling;
  }

  /** Wait in line; what is returned leaves it. */
  join(draw: () => void): () => void {
    this.line.add(draw);
    this.frame ||= requestAnimationFrame(this.rest);
    return () => this.line.delete(draw);
  }

  // The frame in which a row of boxes came has its work done already.
  private rest = () => {
    this.frame = requestAnimationFrame(this.serve);
  };

  private serve = () => {
    const until = performance.now() + BUDGET_MS;
    for (const draw of this.line) {
      this.line.delete(draw);
      draw();
      if (performance.now() >= until) break;
    }
    this.frame = this.line.size > 0 ? requestAnimationFrame(this.serve) : 0;
  };
}

/** Whether it is this one's turn to be drawn; once it was, it stays drawn. */
export function useTurn(turns: Turns): boolean {
  const [isDrawn, setDrawn] = useState(() => turns.isCalm());
  useEffect(
    // Drawn within its turn, not some time later: else nobody could say when the frame is full.
    () => (isDrawn ? undefined : turns.join(() => flushSync(() => setDrawn(true)))),
    [turns, isDrawn],
  );
  return isDrawn;
}
