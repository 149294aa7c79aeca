import type { HealthReport, Measure, Method, Reading } from "@/api/generated";

const rounded = (value: number) => (Math.abs(value) >= 10 ? value.toFixed(0) : value.toFixed(2));

/** A measure with its interval: 0.62 (0.55–0.70). Shares read better as per cent. */
export function measureWords({ value, low, high }: Measure, unit: string): { value: string; range: string } {
  if (unit === "of the images") {
    const percent = (share: number) => String(Math.round(100 * share));
    return { value: `${percent(value)} %`, range: `${percent(low)}–${percent(high)} %` };
  }
  return { value: rounded(value), range: `${rounded(low)} to ${rounded(high)}` };
}

/** Where a value lies between the ends of all intervals of a measure, 0 to 1. */
export function scaleOf(readings: Reading[], name: Method["name"]): (value: number) => number {
  const all = readings.flatMap(({ measures }) => measures[name] ?? []);
  const low = Math.min(0, ...all.map((measure) => measure.low));
  const high = Math.max(...all.map((measure) => measure.high), low + 1e-9);
  return (value) => Math.min(1, Math.max(0, (value - low) / (high - low)));
}

export const VERDICTS = {
  good: { word: "Good", tone: "good" },
  undertrained: { word: "Undertrained", tone: "warn" },
  overtrained: { word: "Overtrained", tone: "warn" },
} as const;

/** The reading at full strength of every checkpoint, in order of steps. */
export const fullReadings = (report: HealthReport): Reading[] =>
  (report.checkpoints ?? []).map(({ reading }) => reading).sort((a, b) => a.step - b.step);
