import { describe, expect, it } from "vitest";

import type { MetricLine, MetricSeries } from "@/api/generated";

import { figureOf, formatOf, labelWords, plotHelp, plotOf, ticksOf } from "./measures";

const AT = ["2026-11-01T10:00:00Z", "2026-11-01T10:01:00Z"];

const line = (label: string, values: number[], rest: Partial<MetricLine> = {}): MetricLine => ({
  label,
  points: values.map((value, index) => ({
    at: AT[index],
    value,
    most: value,
    p50: value / 2,
    p95: value,
    p99: 2 * value,
    count: 1,
  })),
  sum: values.reduce((a, b) => a + b, 0),
  last: values.at(-1) ?? null,
  p50: 1,
  p95: 2,
  p99: 3,
  ...rest,
});

const series = (rest: Partial<MetricSeries>): MetricSeries => ({
  name: "images_made",
  kind: "counter",
  unit: "",
  title: "Images made",
  help: "",
  label: "backend",
  lines: [],
  ...rest,
});

describe("plotOf", () => {
  it("gives each label a line and each time a row", () => {
    const plot = plotOf(series({ name: "job_errors", lines: [line("local", [1, 2]), line("bfl", [3])] }), 60);
    expect(plot.series.map(({ label }) => label)).toEqual(["This computer", "BFL"]);
    expect(plot.rows).toEqual([
      { at: Date.parse(AT[0]), l0: 1, l1: 3 },
      { at: Date.parse(AT[1]), l0: 2 },
    ]);
  });

  it("shows images per hour, however long a stretch is", () => {
    const images = series({ help: "Images.", lines: [line("local", [2]), line("bfl", [1])] });
    expect(plotOf(images, 900).rows).toEqual([{ at: Date.parse(AT[0]), l0: 8, l1: 4 }]);
    expect(plotOf(images, 14_400).rows).toEqual([{ at: Date.parse(AT[0]), l0: 0.5, l1: 0.25 }]);
    expect(figureOf(images)).toBe("3");
    expect(plotHelp(images)).toContain("per hour");
  });

  it("shows three quantiles of one line, and the slow end of several", () => {
    const times = { kind: "histogram", unit: "seconds" } as const;
    expect(plotOf(series({ ...times, lines: [line("", [4])] }), 60).rows[0]).toMatchObject({
      p50: 2,
      p95: 4,
      p99: 8,
    });
    const two = plotOf(series({ ...times, lines: [line("read", [4]), line("change", [6])] }), 60);
    expect(two.rows[0]).toMatchObject({ l0: 4, l1: 6 });
  });

  it("adds up jobs of all kinds by how they ended", () => {
    const plot = plotOf(
      series({
        name: "jobs_ended",
        lines: [
          line("finetune failed", [1, 0]),
          line("generation failed", [2, 1]),
          line("generation succeeded", [5, 5]),
        ],
      }),
      60,
    );
    expect(plot.series.map(({ label, color }) => [label, color])).toEqual([
      ["Jobs failed", "var(--bad)"],
      ["Jobs succeeded", "var(--good)"],
    ]);
    expect(plot.rows.map(({ l0, l1 }) => [l0, l1])).toEqual([
      [3, 5],
      [1, 5],
    ]);
  });
});

describe("ticksOf", () => {
  it("spreads times over the whole range, inside of it", () => {
    const page = { begins_at: "2026-11-01T00:00:00Z", ends_at: "2026-11-02T00:00:00Z" };
    expect(ticksOf(page).map((at) => new Date(at).getUTCHours())).toEqual([3, 9, 15, 21]);
  });
});

describe("figureOf", () => {
  it("is a sum, the slow end, or what is so now", () => {
    expect(figureOf(series({ lines: [line("a", [1, 2]), line("b", [4])] }))).toBe("7");
    expect(figureOf(series({ kind: "histogram", unit: "seconds", lines: [line("read", [1])] }))).toBe(
      "2 s for 95 of 100",
    );
    expect(
      figureOf(series({ kind: "gauge", unit: "ratio", lines: [line("a", [0.2]), line("b", [0.5])] })),
    ).toBe("50 %");
    expect(figureOf(series({ lines: [] }))).toBeNull();
  });
});

describe("words", () => {
  it("reads labels and times as people do", () => {
    expect(labelWords("out-of-memory")).toBe("Out of memory");
    expect(labelWords("HTTP-404 x")).toBe("HTTP-404 x");
    expect([0.0001, 0.0123, 0.25, 2.345, 45].map(formatOf("seconds"))).toEqual([
      "0 ms",
      "12 ms",
      "250 ms",
      "2.35 s",
      "45 s",
    ]);
  });
});
