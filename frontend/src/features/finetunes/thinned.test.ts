import { expect, it } from "vitest";

import type { LossPoint } from "@/api/generated";

import { thinned } from "./thinned";

const points = Array.from(
  { length: 1000 },
  (_, index) => ({ step: index + 1, loss: index, smoothed: index }) as LossPoint,
);

it("keeps short curves whole", () => expect(thinned(points.slice(0, 40))).toHaveLength(40));
it("thins long ones and keeps the end", () => {
  const some = thinned(points, 100);
  expect(some).toHaveLength(100);
  expect(some.at(-1)?.step).toBe(1000);
  expect(some[0].loss).toBe(4.5);
});
