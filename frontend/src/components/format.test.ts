import { describe, expect, it } from "vitest";

import {
  ago,
  bytes,
  bytesRange,
  diskBytes,
  compactNumber,
  duration,
  durationRange,
  lossNumber,
} from "./format";

describe("duration", () => {
  it.each([
    [0.2, "under 1 s"],
    [45, "45 s"],
    [180, "3 min"],
    [3600, "1 h"],
    [4800, "1 h 20 min"],
  ])("%d reads %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
  it("joins a range of one unit", () => {
    expect(durationRange({ low: 120, high: 240 })).toBe("2–4 min");
    expect(durationRange({ low: 60, high: 240 })).toBe("1–4 min");
    expect(durationRange({ low: 50, high: 50 })).toBe("50 s");
  });
});

describe("bytes", () => {
  it("chooses a unit", () => {
    expect(bytes(12)).toBe("12 bytes");
    expect(bytes(3_400_000)).toBe("3.2 MB");
    expect(bytesRange({ low: 2 ** 30, high: 2 ** 31 })).toBe("1–2 GB");
  });
});

it("tells how long ago", () => {
  const now = Date.parse("2026-11-23T12:00:00Z");
  expect(ago("2026-11-23T11:59:40Z", now)).toBe("just now");
  expect(ago("2026-11-23T11:59:00Z", now)).toBe("1 minute ago");
  expect(ago("2026-11-22T11:00:00Z", now)).toBe("yesterday");
});

it("keeps the digits that matter", () => {
  expect(compactNumber(0.34567)).toBe("0.346");
  expect(compactNumber(0.0001)).toBe("1.0e−4");
});

it("writes losses that stand beside one another with as many places each", () => {
  expect([0.387, 0.28, 1].map(lossNumber)).toEqual(["0.387", "0.280", "1.000"]);
  expect(lossNumber(0.0001)).toBe("1.0e−4");
});

it("counts downloads in thousands, as the hub does", () => {
  expect(diskBytes(16_140_000_000)).toBe("16 GB");
  expect(diskBytes(9_442_086)).toBe("9.4 MB");
});
