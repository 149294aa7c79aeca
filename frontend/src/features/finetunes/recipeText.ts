import type { RecipeDocument } from "@/api/generated";

type Settings = Record<string, unknown>;

/** One YAML 1.2 value on one line: what JSON writes is YAML too; plain words need no quotes. */
function yamlOf(value: unknown): string {
  if (typeof value === "string")
    return /^[A-Za-z][\w-]*( [\w-]+)*$/.test(value) && !/^(true|false|null|yes|no|on|off)$/i.test(value)
      ? value
      : JSON.stringify(value);
  return JSON.stringify(value ?? null);
}

/** A list of texts stands as lines, so that each can be edited by itself. */
function linesOf(name: string, value: unknown, indent: string): string[] {
  if (Array.isArray(value) && value.some((item) => typeof item === "string"))
    return [`${indent}${name}:`, ...value.map((item) => `${indent}  - ${yamlOf(item)}`)];
  return [`${indent}${name}: ${yamlOf(value)}`];
}

/**
 * A recipe document: what was set stands as lines; what is chosen automatically follows as comments, so that nothing is
 * hidden and a `#` taken away sets it.
 */
export function writeRecipe(
  document: Omit<RecipeDocument, "recipe">,
  set: Settings,
  usual: Settings,
): string {
  const lines = ["fluxtune: 1"];
  for (const name of ["name", "dataset", "trigger_word", "base", "mode", "quality"] as const)
    if (document[name]) lines.push(...linesOf(name, document[name], ""));
  lines.push("recipe:");
  for (const [name, value] of Object.entries(set)) lines.push(...linesOf(name, value, "  "));
  const rest = Object.entries(usual).filter(([name]) => !(name in set));
  if (rest.length) lines.push("  # Chosen automatically; take a # away to set it yourself:");
  for (const [name, value] of rest)
    lines.push(...linesOf(name, value, "  ").map((line) => line.replace("  ", "  # ")));
  return `${lines.join("\n")}\n`;
}

/** What is sent to be read: a `recipe:` with nothing but comments below it is an empty one. */
export function readable(text: string): string {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => /^recipe:\s*(#.*)?$/.test(line));
  if (at < 0) return text;
  const next = lines.slice(at + 1).find((line) => line.trim() !== "" && !/^\s*#/.test(line));
  if (next === undefined || !/^\s/.test(next)) lines[at] = "recipe: {}";
  return lines.join("\n");
}

const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** The settings of a document that differ from what its choices would give anyway. */
export const settingsSet = (recipe: Settings, usual: Settings): Settings =>
  Object.fromEntries(
    Object.entries(recipe).filter(([name, value]) => !(name in usual) || !same(value, usual[name])),
  );

/**
 * What every setting is when it is not set: some follow from others that are (how often to sample, from how many
 * steps), so the plan's value counts, except for what was set itself.
 */
export const automatic = (usual: object = {}, planned: object = {}, set: Settings): Settings => ({
  ...usual,
  ...Object.fromEntries(Object.entries(planned).filter(([name]) => !(name in set))),
});

/** The line a problem names: "Line 4: …". */
export function lineOf(message: string): number | null {
  const found = /^Line (\d+):/.exec(message);
  return found ? Number(found[1]) : null;
}

/** A setting's value as people read it. */
export function valueWords(value: unknown): string {
  if (value === null || value === undefined || value === "") return "automatic";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (Array.isArray(value)) return value.length ? value.join(", ") : "none";
  return String(value);
}
