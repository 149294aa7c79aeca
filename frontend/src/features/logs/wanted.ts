import type { LogRecord } from "@/api/generated";

/** Which lines are wanted. */
export interface Wanted {
  level: LogRecord["level"];
  part: string;
  job_id: string;
  request_id: string;
  words: string;
}

export const EMPTY: Wanted = { level: "debug", part: "", job_id: "", request_id: "", words: "" };

export const LEVELS: { value: Wanted["level"]; label: string }[] = [
  { value: "debug", label: "All" },
  { value: "info", label: "Info and worse" },
  { value: "warning", label: "Warnings and worse" },
  { value: "error", label: "Errors only" },
];

type Searched = { [Name in keyof Wanted]?: string };

/** What an address asks for; a level there is none of is none. */
export const wantedOf = (search: Searched): Wanted => ({
  ...EMPTY,
  ...Object.fromEntries(Object.entries(search).filter(([name, value]) => name in EMPTY && value)),
  level: LEVELS.find(({ value }) => value === search.level)?.value ?? EMPTY.level,
});

/** What of it an address names: only what is not as usual. */
export const searchOf = (wanted: Wanted): Searched =>
  Object.fromEntries(
    Object.entries(wanted).filter(([name, value]) => value && value !== EMPTY[name as keyof Wanted]),
  );

export const NARROW = [
  { name: "job_id", label: "Job" },
  { name: "request_id", label: "Request" },
] as const;

/** 12:04:31.250, with the day where it is not today. */
export function timeOf(at: string | null, now = new Date()): string {
  if (!at) return "";
  const time = new Date(at);
  const clock = `${time.toLocaleTimeString("en-GB")}.${String(time.getMilliseconds()).padStart(3, "0")}`;
  if (time.toDateString() === now.toDateString()) return clock;
  return `${time.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${clock}`;
}

/** What else stands in a line, as `name=value`. */
export const restOf = (line: LogRecord) =>
  Object.entries(line.rest)
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("  ");
