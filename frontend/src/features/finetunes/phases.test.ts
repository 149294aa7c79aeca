import { expect, it } from "vitest";

import { pauseWords, phaseOf } from "./phases";

const paused = {
  state: "paused",
  step: 12,
  started_at: "2026-11-23T00:00:00Z",
  paused_because: "user",
  is_loaded: true,
} as const;

it("says what a pause means", () => {
  expect(pauseWords(paused)).toContain("stays loaded");
  expect(pauseWords({ ...paused, is_loaded: false })).toContain("loads the model again");
  expect(pauseWords({ ...paused, is_loaded: false, paused_because: "disk-full" })).toContain("disk is full");
  expect(pauseWords({ ...paused, started_at: null })).toContain("not begun");
  expect(pauseWords({ ...paused, state: "running" })).toBeNull();
});

it("says what a run is doing", () => {
  const run = { state: "running", phase: "caching", waiting_for: null, is_stopping: false } as const;
  expect(phaseOf(run)).toBe("Preparing the images");
  expect(phaseOf({ ...run, phase: "something new" })).toBe("Something new");
  expect(phaseOf({ ...run, is_stopping: true })).toBe("Stopping after this step");
});
