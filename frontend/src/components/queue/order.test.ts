import { expect, it } from "vitest";

import type { Job } from "@/api/generated";

import { placeFor } from "./order";

const job = (id: string, state = "queued", lane = "device") => ({ id, state, lane }) as Job;
const jobs = [job("r", "running"), job("a"), job("b"), job("c")];

it("moves one place among those that wait", () => {
  expect(placeFor(jobs, "b", -1)).toBe("a");
  expect(placeFor(jobs, "a", 1)).toBe("c");
  expect(placeFor(jobs, "b", 1)).toBeNull();
});

it("knows where it ends", () => {
  expect(placeFor(jobs, "a", -1)).toBeUndefined();
  expect(placeFor(jobs, "c", 1)).toBeUndefined();
  expect(placeFor(jobs, "r", 1)).toBeUndefined();
});

it("passes by what waits for something else", () => {
  const both = [job("a"), job("n", "queued", "network"), job("b"), job("m", "queued", "network")];
  expect(placeFor(both, "b", -1)).toBe("a");
  expect(placeFor(both, "n", 1)).toBeNull();
  expect(placeFor(both, "n", -1)).toBeUndefined();
});
