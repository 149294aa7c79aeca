import { expect, it } from "vitest";

import type { Measure, Reading } from "@/api/generated";

import { measureWords, scaleOf } from "./words";

const measure = (value: number, low: number, high: number): Measure => ({ value, low, high, image_count: 8 });

it("gives every measure with its uncertainty", () => {
  expect(measureWords(measure(0.625, 0.5, 0.75), "")).toEqual({ value: "0.63", range: "0.50 to 0.75" });
  expect(measureWords(measure(0.125, 0, 0.31), "of the images")).toEqual({ value: "13 %", range: "0–31 %" });
});

it("draws all checkpoints on one scale that holds zero", () => {
  const reading = (value: Measure) =>
    ({ step: 1, strength: 1, score: 0, measures: { gain: value } }) as Reading;
  const at = scaleOf([reading(measure(0.5, 0.4, 0.6)), reading(measure(0.7, 0.6, 0.8))], "gain");
  expect(at(0)).toBe(0);
  expect(at(0.4)).toBeCloseTo(0.5);
  expect(at(0.8)).toBe(1);
});
