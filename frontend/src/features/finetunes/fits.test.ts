import { expect, it } from "vitest";

import type { FinetunePlan, SystemInfo } from "@/api/generated";

import { deviceMemory, fitWords } from "./fits";

const GB = 1024 ** 3;
const plan = (fits: boolean, high: number) =>
  ({ fits, memory_bytes: { low: high, high }, probe: null }) as unknown as FinetunePlan;

it("says how much is to spare, or how much is missing", () => {
  expect(fitWords(plan(true, 5 * GB), 8 * GB)).toBe("Fits with 3 GB to spare.");
  expect(fitWords(plan(true, 5 * GB), null)).toBe("Fits this computer.");
  expect(fitWords(plan(false, 12 * GB), 8 * GB)).toContain("needs 12 GB of memory, and there are 8 GB");
});

it("takes a device's memory from a measurement, and the computer's only where it trains", () => {
  const system = (device: string) => ({ engine: { device }, memory_total_bytes: 4 * GB }) as SystemInfo;
  expect(deviceMemory(plan(true, 1), system("cpu"))).toBe(4 * GB);
  expect(deviceMemory(plan(true, 1), system("cuda"))).toBeNull();
  const probed = { ...plan(true, 1), probe: { device_memory_bytes: 9 * GB } } as unknown as FinetunePlan;
  expect(deviceMemory(probed, system("cuda"))).toBe(9 * GB);
});
