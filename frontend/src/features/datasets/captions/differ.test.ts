import { describe, expect, it } from "vitest";

import { differ } from "./differ";

describe("differ", () => {
  it.each([
    ["a red cat", "a blue cat", { start: "a ", removed: "red", added: "blue", end: " cat" }],
    ["a cat", "zubo, a cat", { start: "", removed: "", added: "zubo, ", end: "a cat" }],
    ["a cat", "", { start: "", removed: "a cat", added: "", end: "" }],
    ["same", "same", { start: "same", removed: "", added: "", end: "" }],
  ])("%s → %s", (before, after, wanted) => {
    const found = differ(before, after);
    expect(found).toEqual(wanted);
  });

  it("loses nothing", () => {
    for (const [before, after] of [
      ["a a a", "a a"],
      ["x y  z", "x q z"],
      ["", "new"],
    ]) {
      const { start, removed, added, end } = differ(before, after);
      expect(start + removed + end).toBe(before);
      expect(start + added + end).toBe(after);
    }
  });
});
