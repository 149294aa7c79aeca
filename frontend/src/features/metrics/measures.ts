import { compactNumber, diskBytes, duration } from "@/components/format";
import type { MetricLine, MetricPage, MetricPoint, MetricSeries } from "@/api/generated";

/** What is plotted for one measure, made of what the server counted. */

export type Format = (value: number) => string;

const seconds: Format = (value) =>
  value < 0.0005
    ? "0 ms"
    : value < 1
      ? `${Math.max(1, Math.round(1000 * value))} ms`
      : value < 10
        ? `${compactNumber(value)} s`
        : duration(value);

export function formatOf(unit: MetricSeries["unit"]): Format {
  if (unit === "seconds") return seconds;
  if (unit === "bytes") return diskBytes;
  if (unit === "ratio") return (value) => `${Math.round(100 * value)} %`;
  if (unit === "credits") return (value) => compactNumber(value);
  return (value) => (Number.isInteger(value) ? value.toLocaleString("en") : compactNumber(value));
}

/** What comes in at a pace is shown as that: a stretch of a year and one of an hour then say the same. */
const PER_HOUR = new Set(["images_made"]);

const NAMES: Record<string, string> = {
  device: "This computer",
  network: "Over the network",
  local: "This computer",
  bfl: "BFL",
  server: "Other servers",
  read: "Reading",
  change: "Changing",
  v1: "BFL’s API here",
};

/** A label in words: `generation failed` → “Generation failed”, `out-of-memory` → “Out of memory”. */
export function labelWords(label: string): string {
  if (NAMES[label]) return NAMES[label];
  const words = /^[a-z -]+$/.test(label) ? label.replaceAll("-", " ") : label;
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const PALETTE = [
  "var(--accent)",
  "var(--accent-2)",
  "var(--warn)",
  "var(--good)",
  "var(--ink-3)",
  "var(--bad)",
  "var(--accent-line)",
];

/** Outcomes look as everywhere else; anything else takes the next colour. */
function colorOf(label: string, index: number): string {
  if (label.endsWith(" succeeded")) return "var(--good)";
  if (label.endsWith(" failed")) return "var(--bad)";
  if (label.endsWith(" cancelled")) return "var(--ink-3)";
  return PALETTE[index % PALETTE.length];
}

export interface Plot {
  rows: Record<string, number>[];
  series: { name: string; label: string; color: string }[];
}

/** Many kinds of jobs end in three ways: their ways are what tells how it goes. */
function merged(series: MetricSeries): MetricLine[] {
  if (series.name !== "jobs_ended") return series.lines;
  const ways = new Map<string, MetricLine>();
  for (const line of series.lines) {
    const way = line.label.split(" ").at(-1) ?? line.label;
    const so = ways.get(way);
    if (!so) ways.set(way, { ...line, label: `jobs ${way}` });
    else
      ways.set(way, {
        ...so,
        sum: (so.sum ?? 0) + (line.sum ?? 0),
        points: so.points.map((point, index) => ({
          ...point,
          value: point.value + line.points[index].value,
        })),
      });
  }
  return [...ways.values()];
}

const QUANTILES = [
  { name: "p50", label: "Half are faster than", color: "var(--ink-3)" },
  { name: "p95", label: "95 of 100 are faster than", color: "var(--accent)" },
  { name: "p99", label: "99 of 100 are faster than", color: "var(--accent-2)" },
] as const;

/** Rows for a chart, one per time; a time at which a line has no point is a gap in it. */
export function plotOf(series: MetricSeries, stepS: number): Plot {
  const lines = merged(series);
  const pace = PER_HOUR.has(series.name) ? 3600 / stepS : 1;
  const rows = new Map<number, Record<string, number>>();
  const put = (point: MetricPoint, name: string, value: number | null) => {
    if (value === null) return;
    const at = Date.parse(point.at);
    const row = rows.get(at) ?? { at };
    row[name] = value;
    rows.set(at, row);
  };
  const isSplit = series.kind === "histogram" && lines.length === 1;
  for (const [index, line] of lines.entries())
    for (const point of line.points)
      if (isSplit) for (const { name } of QUANTILES) put(point, name, point[name]);
      else put(point, `l${index}`, series.kind === "histogram" ? point.p95 : pace * point.value);
  return {
    rows: [...rows.values()].sort((one, other) => one.at - other.at),
    series: isSplit
      ? [...QUANTILES]
      : lines.map((line, index) => ({
          name: `l${index}`,
          label: labelWords(line.label) || series.title,
          color: colorOf(line.label, index),
        })),
  };
}

/** What a plot says of its numbers where that is not plain. */
export const plotHelp = (series: MetricSeries) =>
  PER_HOUR.has(series.name) ? `${series.help} Plotted per hour; the figure is all of them.` : series.help;

/** Whole steps of the range to write times at: the chart would only name those at which there is a point. */
export function ticksOf(page: Pick<MetricPage, "begins_at" | "ends_at">, count = 4): number[] {
  const begin = Date.parse(page.begins_at);
  const step = (Date.parse(page.ends_at) - begin) / count;
  return Array.from({ length: count }, (_, index) => Math.round(begin + step * (index + 0.5)));
}

/** The figure beside a title: what came in the whole range, how slow the slow ones are, or how much there is now. */
export function figureOf(series: MetricSeries): string | null {
  if (!series.lines.length) return null;
  const format = formatOf(series.unit);
  const sum = (pick: (line: MetricLine) => number | null) =>
    series.lines.reduce((total, line) => total + (pick(line) ?? 0), 0);
  if (series.kind === "counter") return format(sum((line) => line.sum));
  if (series.kind === "histogram") {
    const slowest = Math.max(...series.lines.map((line) => line.p95 ?? 0));
    return `${format(slowest)} for 95 of 100`;
  }
  if (series.unit === "ratio") return format(Math.max(...series.lines.map((line) => line.last ?? 0)));
  if (series.name === "disk_free_bytes")
    return format(Math.min(...series.lines.map((line) => line.last ?? 0)));
  return format(sum((line) => line.last));
}

export type Range = "hour" | "day" | "week" | "month" | "year";

export function timeFormat(range: string): Format {
  const options: Intl.DateTimeFormatOptions =
    range === "hour" || range === "day"
      ? { hour: "2-digit", minute: "2-digit", hour12: false }
      : range === "week"
        ? { weekday: "short", hour: "2-digit", hour12: false }
        : { day: "numeric", month: "short" };
  const format = new Intl.DateTimeFormat("en-GB", options);
  return (at) => (Number.isFinite(at) ? format.format(at) : "");
}
