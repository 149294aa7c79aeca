import { expect, it } from "vitest";

import type { LogRecord } from "@/api/generated";

import { EMPTY, restOf, searchOf, timeOf, wantedOf } from "./wanted";

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

it("keeps in the address what is not as usual", () => {
  const wanted = { ...EMPTY, level: "warning" as const, job_id: "j1" };
  expect(searchOf(wanted)).toEqual({ level: "warning", job_id: "j1" });
  expect(wantedOf(searchOf(wanted))).toEqual(wanted);
  expect(searchOf(EMPTY)).toEqual({});
  expect(wantedOf({ level: "loud", part: undefined })).toEqual(EMPTY);
});
