import { describe, expect, it } from "vitest";

import {
  centred,
  mirror,
  moved,
  NO_EDITS,
  recipeOf,
  resized,
  tidy,
  turn,
  turned,
  type Recipe,
} from "./edits";

const original = { width: 300, height: 200 };
const crop = { left: 10, top: 20, width: 100, height: 50 };
const cut: Recipe = { ...NO_EDITS, crop };

describe("turning and mirroring what is seen", () => {
  it("takes the cut along, clockwise", () => {
    const once = turn(cut, original, true);
    expect(once).toEqual({ turn: 90, mirror: false, crop: { left: 130, top: 10, width: 50, height: 100 } });
    expect(turned(original, once)).toEqual({ width: 200, height: 300 });
  });

  it("comes back after four quarters, or one there and one back", () => {
    let four = cut;
    for (let count = 0; count < 4; count++) four = turn(four, original, true);
    expect(four).toEqual(cut);
    expect(turn(turn(cut, original, true), original, false)).toEqual(cut);
    const mirrored = mirror(cut, original);
    expect(turn(turn(mirrored, original, false), original, true)).toEqual(mirrored);
  });

  it("turns a mirrored picture the way it is seen to turn", () => {
    expect(turn(mirror(NO_EDITS, original), original, true).turn).toBe(270);
  });

  it("mirrors the cut, and back", () => {
    const mirrored = mirror(cut, original);
    expect(mirrored.crop).toEqual({ ...crop, left: 190 });
    expect(mirror(mirrored, original)).toEqual(cut);
  });
});

describe("the frame", () => {
  it("stays in the picture", () => {
    expect(moved(crop, { x: -50, y: 500 }, original)).toEqual({ ...crop, left: 0, top: 150 });
    const wide = resized(crop, "se", { x: 999, y: 999 }, original, null);
    expect(wide).toEqual({ left: 10, top: 20, width: 290, height: 180 });
    expect(resized(crop, "nw", { x: 999, y: 999 }, original, null)).toEqual({
      left: 94,
      top: 54,
      width: 16,
      height: 16,
    });
  });

  it("keeps its aspect", () => {
    for (const corner of ["nw", "ne", "sw", "se"] as const) {
      const found = resized(crop, corner, { x: 40, y: -35 }, original, 2);
      expect(found.width / found.height).toBeCloseTo(2, 1);
      expect(found.left).toBeGreaterThanOrEqual(0);
      expect(found.left + found.width).toBeLessThanOrEqual(300);
      expect(found.top + found.height).toBeLessThanOrEqual(200);
    }
  });

  it("begins in the middle, as large as it can be", () => {
    expect(centred(1, original)).toEqual({ left: 50, top: 0, width: 200, height: 200 });
    expect(centred(3, original)).toEqual({ left: 0, top: 50, width: 300, height: 100 });
  });
});

describe("what is sent", () => {
  it("is nothing when nothing is done", () => {
    expect(tidy(NO_EDITS, original)).toBeNull();
    expect(tidy({ ...NO_EDITS, crop: { left: 0, top: 0, ...original } }, original)).toBeNull();
    expect(tidy(recipeOf(null), original)).toBeNull();
  });

  it("is the recipe otherwise", () => {
    expect(tidy(cut, original)).toEqual(cut);
    expect(recipeOf({ turn: 90 })).toEqual({ turn: 90, mirror: false, crop: null });
  });
});
