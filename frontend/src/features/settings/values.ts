/** What a setting's schema says about how to type it and how to read it. */

import type { Setting } from "@/api/generated";
import { ProblemError } from "@/api/problem";
import { bytes, compactNumber, duration } from "@/components/format";

export type Kind = "boolean" | "choice" | "integer" | "number" | "lines" | "pairs" | "secret" | "text";

interface Property {
  type?: string;
  enum?: string[];
  anyOf?: Property[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  multipleOf?: number;
  additionalProperties?: unknown;
}

export interface Shape {
  kind: Kind;
  isNullable: boolean;
  choices: string[];
  /** A table whose values may be of any kind. */
  isOpen: boolean;
  minimum?: number;
  maximum?: number;
  step?: number;
}

export function shapeOf({ json_schema, is_secret }: Pick<Setting, "json_schema" | "is_secret">): Shape {
  const schema = json_schema as Property;
  const variants = schema.anyOf ?? [schema];
  const main = variants.find(({ type }) => type !== "null") ?? schema;
  const kinds: Record<string, Kind> = {
    boolean: "boolean",
    integer: "integer",
    number: "number",
    array: "lines",
    object: "pairs",
  };
  return {
    kind: is_secret ? "secret" : main.enum ? "choice" : (kinds[main.type ?? ""] ?? "text"),
    isNullable: variants.some(({ type }) => type === "null"),
    choices: main.enum ?? [],
    isOpen: main.additionalProperties === true,
    minimum: main.minimum ?? main.exclusiveMinimum,
    maximum: main.maximum,
    step: main.multipleOf,
  };
}

/** A value in words, as a change or a default is told. */
export function told(value: unknown, unit?: string | null): string {
  if (value === null || value === undefined || value === "") return "empty";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "number") {
    if (unit === "bytes") return bytes(value);
    return unit ? `${compactNumber(value)} ${unit}` : compactNumber(value);
  }
  if (Array.isArray(value)) return value.length ? value.map((each) => told(each)).join(", ") : "none";
  if (typeof value === "object") {
    const pairs = Object.entries(value);
    return pairs.length ? pairs.map(([name, each]) => `${name} = ${told(each)}`).join(", ") : "none";
  }
  return String(value);
}

const SIZES = { kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 } as const;

/** The unit a number is typed in: bytes in the largest one in which it is at least one, all else in its own. */
export function typedIn(value: unknown, unit?: string | null): { unit: string | undefined; factor: number } {
  if (unit !== "bytes") return { unit: unit ?? undefined, factor: 1 };
  const size = typeof value === "number" && value > 0 ? value : SIZES.GB;
  const name = size >= SIZES.GB ? "GB" : size >= SIZES.MB ? "MB" : "kB";
  return { unit: name, factor: SIZES[name] };
}

/** Large numbers of small units said in larger ones, where that says more; else nothing. */
export function inWords(value: unknown, unit?: string | null): string | undefined {
  if (typeof value !== "number") return undefined;
  return unit === "s" && value >= 120 ? duration(value) : undefined;
}

export const linesOf = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

/** `name = value` on each line; a line without a sign is a name whose value is missing, which the server says. */
export const pairsOf = (text: string, read: (value: string) => unknown = String): Record<string, unknown> =>
  Object.fromEntries(
    linesOf(text).map((line) => {
      const at = line.indexOf("=");
      return at < 0 ? [line, ""] : [line.slice(0, at).trim(), read(line.slice(at + 1).trim())];
    }),
  );

/** A value that may be of any kind: as JSON where it is that, else the text. */
export function anyValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export const asLines = (value: unknown) => (Array.isArray(value) ? value.map(String).join("\n") : "");

export const asPairs = (value: unknown) =>
  Object.entries((value ?? {}) as Record<string, unknown>)
    .map(([name, each]) => `${name} = ${typeof each === "object" ? JSON.stringify(each) : String(each)}`)
    .join("\n");

export const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** What the server says of one setting of a refused change. */
export function problemAt(error: unknown, key: string): string | undefined {
  if (!(error instanceof ProblemError)) return undefined;
  return error.problem.errors.find(({ field }) => field === key)?.message;
}

/** Does a setting belong to what somebody looks for? All words must be found, in any of its names. */
export function matches({ key, title, description, variable }: Setting, query: string): boolean {
  const text = `${key} ${title} ${description} ${variable}`.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
