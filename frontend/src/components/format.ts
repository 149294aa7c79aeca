/** Numbers and times as people read them. */

const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? "" : "s"}`;

export const countOf = (count: number, word: string) =>
  `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

/** 45 s, 3 min, 1 h 20 min. */
export function duration(seconds: number): string {
  if (seconds < 1) return "under 1 s";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return rest ? `${Math.floor(minutes / 60)} h ${rest} min` : `${minutes / 60} h`;
}

/** 2–4 min; one value when both ends read the same. */
export function durationRange({ low, high }: { low: number; high: number }): string {
  // Beside minutes, a low end in seconds pretends to more than is known.
  const from = high >= 90 && low < 90 ? `${Math.max(1, Math.round(low / 60))} min` : duration(low);
  const to = duration(high);
  if (from === to) return from;
  const unit = (text: string) => text.replace(/^[\d.]+ /, "");
  return /^[\d.]+ \S+$/.test(from) && unit(from) === unit(to)
    ? `${from.split(" ")[0]}–${to}`
    : `${from} – ${to}`;
}

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

export function bytes(count: number): string {
  let unit = 0;
  let value = count;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1).replace(/\.0$/, "")} ${UNITS[unit]}`;
}

/** Downloads and disks are counted in thousands. */
export function diskBytes(count: number): string {
  if (count > 0 && count < 1e5) return `${Math.ceil(count / 1e3)} kB`;
  const unit = count >= 1e9 ? 1e9 : 1e6;
  const value = count / unit;
  return `${value >= 10 ? Math.round(value) : Number(value.toFixed(1))} ${unit === 1e9 ? "GB" : "MB"}`;
}

export function bytesRange({ low, high }: { low: number; high: number }): string {
  const [from, to] = [bytes(low), bytes(high)];
  if (from === to) return from;
  const [a, b] = [from.split(" "), to.split(" ")];
  return a[1] === b[1] ? `${a[0]}–${to}` : `${from} – ${to}`;
}

export function secondsPerStep(seconds: number): string {
  return seconds >= 1
    ? `${seconds.toFixed(1)} s/step`
    : `${(1 / Math.max(seconds, 1e-6)).toFixed(1)} steps/s`;
}

/** just now, 5 minutes ago, yesterday, 3 Nov. */
export function ago(iso: string, now = Date.now()): string {
  const seconds = (now - Date.parse(iso)) / 1000;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${plural(Math.floor(seconds / 60), "minute")} ago`;
  if (seconds < 86_400) return `${plural(Math.floor(seconds / 3600), "hour")} ago`;
  if (seconds < 172_800) return "yesterday";
  return new Date(iso).toLocaleDateString("en", {
    day: "numeric",
    month: "short",
    year: seconds > 3e7 ? "numeric" : undefined,
  });
}

/** A loss or learning rate with as many digits as matter. */
export function compactNumber(value: number): string {
  if (value === 0) return "0";
  return Math.abs(value) < 0.001
    ? value.toExponential(1).replace("e-", "e−")
    : String(Number(value.toPrecision(3)));
}

/** Losses beside one another: as many places in each. */
export const lossNumber = (value: number) =>
  Math.abs(value) < 0.001 ? compactNumber(value) : value.toFixed(3);
