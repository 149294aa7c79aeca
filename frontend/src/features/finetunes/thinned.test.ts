import { expect, it } from "vitest";

import type { LossPoint, ValidationPoint } from "@/api/generated";

import { curveOf, measured, thinned, validationWords } from "./thinned";

const pointsOf = (count: number) =>
  Array.from(
    { length: count },
    (_, index) =>
      ({ step: index + 1, loss: index, smoothed: index, grad_norm: index, seconds_per_step: 1 }) as LossPoint,
  );

it("thins out to what a screen can show, keeping the last step and the mean", () => {
  const kept = thinned(pointsOf(1000), 100);
  expect(kept).toHaveLength(100);
  expect(kept.at(-1)?.step).toBe(1000);
  expect(kept[0].loss).toBe(4.5);
});

it("leaves few points as they are", () => expect(thinned(pointsOf(3))).toHaveLength(3));

it("puts validation losses where they were measured", () => {
  const curve = curveOf(pointsOf(2), [
    { step: 0, loss: 9 },
    { step: 2, loss: 5 },
  ]);
  expect(curve.map(({ step, validation }) => [step, validation])).toEqual([
    [0, 9],
    [1, undefined],
    [2, 5],
  ]);
  expect(curve[2].smoothed).toBe(1);
});

it("offers only what was measured", () => {
  const point = { ...pointsOf(1)[0], learning_rate: 0.1, memory_bytes: null, device_load: 0 };
  expect(measured([point]).map(({ reading }) => reading)).toEqual([
    "learning_rate",
    "grad_norm",
    "seconds_per_step",
    "device_load",
  ]);
});

it("says what a validation loss was measured on, and how far the base is away", () => {
  const point: ValidationPoint = {
    step: 100,
    loss: 0.4,
    base_loss: 0.5,
    by_sigma: {},
    on: "training",
    image_count: 4,
  };
  expect(validationWords([point], String)).toContain("20 % below the untouched base (0.5)");
  expect(validationWords([point], String)).toContain("also trained on");
  expect(validationWords([{ ...point, on: "held-out", base_loss: null }], String)).toContain("held out");
  expect(validationWords([], String)).toBeNull();
});
