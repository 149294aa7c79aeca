import { describe, expect, it } from "vitest";

import type { LedgerLine } from "@/api/generated";

import { dollars, groupOwed } from "./money";

const line = (values: Partial<LedgerLine>): LedgerLine => ({
  id: "1",
  generation_id: "g",
  slot: 0,
  attempt: 1,
  key_name: "k",
  model_id: "bfl:flux-2-pro",
  state: "ready",
  estimate: 3,
  cost: null,
  is_settled: false,
  task_id: null,
  image_id: null,
  error: null,
  created_at: "2026-01-01T00:00:00Z",
  sent_at: null,
  ended_at: null,
  ...values,
});

describe("dollars", () => {
  it("shows cents, and fractions of them", () => {
    expect([0, 1.4, 100, 123_456].map(dollars)).toEqual(["$0.00", "$0.014", "$1.00", "$1,234.56"]);
  });
});

describe("groupOwed", () => {
  it("has one entry a generation", () => {
    const owed = groupOwed([
      line({ cost: 4.5 }),
      line({ state: "unknown" }),
      line({ generation_id: "h", state: "unknown" }),
    ]);
    expect(owed.map(({ generationId, images, credits }) => [generationId, images, credits])).toEqual([
      ["g", 2, 7.5],
      ["h", 1, 3],
    ]);
    expect(owed.map(({ canFetch, isUnknown }) => [canFetch, isUnknown])).toEqual([
      [true, true],
      [false, true],
    ]);
  });
});
