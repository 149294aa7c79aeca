import { describe, expect, it } from "vitest";

import { limitsSet, shareOf, usedOf } from "./limits";

describe("limits", () => {
  it("say what is used of them", () => {
    expect(usedOf("images_per_day", 12, 50)).toBe("12 of 50 images today");
    expect(usedOf("hosted_usd_per_month", 0.9, 1)).toBe("$0.90 of $1.00 for hosted images this month");
    expect(usedOf("finetunes_at_once", 2, null)).toBe("2 finetunes under way");
  });

  it("of nothing are used up", () => {
    expect(shareOf(0, 0)).toBe(1);
    expect(shareOf(3, 2)).toBe(1);
    expect(shareOf(1, 4)).toBe(0.25);
    expect(shareOf(1, null)).toBeNull();
  });

  it("are named where they are set", () => {
    expect(limitsSet({ storage_bytes: 0, images_per_day: null })).toEqual(["storage_bytes"]);
  });
});
