import { expect, it } from "vitest";

import type { StudioEvent } from "@/api/events";

import { endOf } from "./notify";

const event = (type: string, data: object = {}) => ({ type, data }) as unknown as StudioEvent;

it("tells of ends, and of a full disk, but not of a pause one asked for", () => {
  expect(endOf(event("job.succeeded"))).toBe("has finished");
  expect(endOf(event("job.failed"))).toContain("error");
  expect(endOf(event("job.paused", { reason: "disk-full" }))).toContain("disk");
  expect(endOf(event("job.paused", { reason: "user" }))).toBeNull();
  expect(endOf(event("job.progressed"))).toBeNull();
});
