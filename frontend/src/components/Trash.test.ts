import { describe, expect, it } from "vitest";

import { untilGone } from "./Trash";

const day = 86_400_000;
const at = Date.parse("2026-03-31T12:00:00Z");
const deleted = (days: number) => new Date(at - days * day).toISOString();

describe("untilGone", () => {
  it("counts the days that are left", () => {
    expect(untilGone(deleted(0), 30, at)).toBe(", goes for good in 30 days");
    expect(untilGone(deleted(28.5), 30, at)).toBe(", goes for good in 2 days");
    expect(untilGone(deleted(29.5), 30, at)).toBe(", goes for good in 1 day");
  });

  it("says so when the time is over", () => {
    expect(untilGone(deleted(31), 30, at)).toBe(", about to go for good");
  });

  it("says nothing where everything is kept", () => {
    expect(untilGone(deleted(400), 0, at)).toBe("");
  });
});
