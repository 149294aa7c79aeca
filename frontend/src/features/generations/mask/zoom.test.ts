import { describe, expect, it } from "vitest";

import { anchorAt, clampZoom, MOST_ZOOM, scrollFor, stepZoom, zoomText } from "./zoom";

describe("zoom", () => {
  it("goes in handy steps between what fits and the most", () => {
    expect(stepZoom(1, 1)).toBe(1.5);
    expect(stepZoom(2.3, 1)).toBe(3);
    expect(stepZoom(2.3, -1)).toBe(2);
    expect(stepZoom(1, -1)).toBe(1);
    expect(stepZoom(MOST_ZOOM, 1)).toBe(MOST_ZOOM);
  });
  it("keeps within its limits, and says how large", () => {
    expect([clampZoom(0.2), clampZoom(90)]).toEqual([1, MOST_ZOOM]);
    expect(zoomText(1.5)).toBe("150 %");
  });
  it("keeps under the pointer what was there", () => {
    const held = anchorAt({ left: 50, top: 0, width: 400, height: 200 }, { x: 150, y: 50 });
    expect(held.part).toEqual({ x: 0.5, y: 0.25 });
    expect(scrollFor(held, { width: 800, height: 400 })).toEqual({ x: 250, y: 50 });
    expect(scrollFor(held, { width: 400, height: 200 })).toEqual({ x: 50, y: 0 });
  });
});
