import { expect, it } from "vitest";

import type { LogRecord } from "@/api/generated";

import { restOf, timeOf } from "./wanted";

it("says the day only where it is another one", () => {
  const at = new Date(2026, 10, 23, 9, 4, 5, 7);
  expect(timeOf(at.toISOString(), new Date(2026, 10, 23, 20))).toBe("09:04:05.007");
  expect(timeOf(at.toISOString(), new Date(2026, 10, 24, 0, 1))).toBe("23 Nov 09:04:05.007");
  expect(timeOf(null)).toBe("");
});

it("writes values as they are", () => {
  const line = { rest: { state: "failed", count: 3, names: ["a"] } } as unknown as LogRecord;
  expect(restOf(line)).toBe('state=failed  count=3  names=["a"]');
});
