import { describe, expect, it } from "vitest";

import { SHAPES, shapeOf, sizeFor } from "./shapes";

const defaults = {
  steps: 20,
  guidance: 3,
  width: 128,
  height: 128,
  max_width: 192,
  max_height: 192,
  max_prompt_tokens: 64,
};

describe("sizeFor", () => {
  it("keeps the grid, the limits and the shape", () => {
    for (const { name } of SHAPES) {
      const { width, height } = sizeFor(name, defaults);
      expect(width % 16).toBe(0);
      expect(height % 16).toBe(0);
      expect(Math.max(width, height)).toBeLessThanOrEqual(192);
      expect(shapeOf(width, height)).toBe(name);
    }
  });
  it("is the base's own size when square", () =>
    expect(sizeFor("1:1", defaults)).toEqual({ width: 128, height: 128 }));
});
