import { describe, expect, it } from "vitest";

import { lackText } from "./offers";

describe("what a server does not offer", () => {
  it("is said in one sentence", () => {
    expect(lackText("gpu", ["pause"])).toBe(
      "gpu does not offer pausing to others. That is done in the studio there.",
    );
    expect(lackText("gpu", ["pause", "sample", "save"])).toContain(
      "pausing, samples on demand and checkpoints on demand",
    );
  });
});
