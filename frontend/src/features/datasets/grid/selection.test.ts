import { describe, expect, it } from "vitest";

import { choose, chooseAll, extend, inOrder, NOTHING, toggle, without } from "./selection";

const ALL = ["a", "b", "c", "d", "e"];
const plain = { shiftKey: false, ctrlKey: false, metaKey: false };
const shift = { ...plain, shiftKey: true };
const ctrl = { ...plain, ctrlKey: true };
const idsOf = (selection: { ids: ReadonlySet<string> }) => [...selection.ids].sort().join("");

describe("choosing images", () => {
  it("replaces with a plain click", () => {
    const first = choose(NOTHING, ALL, "b", plain);
    expect(idsOf(choose(first, ALL, "d", plain))).toBe("d");
  });

  it("adds and takes away with Ctrl", () => {
    const two = choose(choose(NOTHING, ALL, "b", plain), ALL, "d", ctrl);
    expect(idsOf(two)).toBe("bd");
    expect(idsOf(choose(two, ALL, "b", ctrl))).toBe("d");
  });

  it("adds a range with Shift, both ways, from the same anchor", () => {
    const start = choose(NOTHING, ALL, "c", plain);
    const down = choose(start, ALL, "d", shift);
    expect(idsOf(down)).toBe("cd");
    expect(idsOf(choose(down, ALL, "a", shift))).toBe("abcd");
  });

  it("begins a range where nothing was chosen before", () => {
    expect(idsOf(choose(NOTHING, ALL, "c", shift))).toBe("c");
  });

  it("goes on when the anchor is not in this view", () => {
    const hidden = { ids: new Set(["x"]), anchor: "x" };
    expect(idsOf(extend(hidden, ALL, "b"))).toBe("bx");
    expect(extend(hidden, ALL, "nowhere")).toBe(hidden);
  });

  it("chooses everything, in the order of the view", () => {
    expect(inOrder(chooseAll(ALL), ["e", "a"])).toEqual(["e", "a"]);
    expect(inOrder(NOTHING, ALL)).toEqual([]);
  });

  it("forgets what is gone, and only then changes", () => {
    const some = toggle(toggle(NOTHING, "a"), "b");
    expect(without(some, new Set(["c"]))).toBe(some);
    const left = without(some, new Set(["b"]));
    expect(idsOf(left)).toBe("a");
    expect(left.anchor).toBeNull();
  });
});
