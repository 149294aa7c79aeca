import type { Healing } from "@/api/generated";

const shown = (value: unknown) =>
  value === null || value === undefined
    ? "automatic"
    : value === true
      ? "on"
      : value === false
        ? "off"
        : String(value);

/** What was changed to get over a trouble: "Batch size 4 → 2". */
export function changeWords(changes: Healing["changes"], titles: Record<string, string>): string[] {
  return Object.entries(changes).map(
    ([setting, [before, after]]) => `${titles[setting] ?? setting} ${shown(before)} → ${shown(after)}`,
  );
}

/** Names of settings as people know them, from the recipe's schema. */
export function titlesOf(schema: Record<string, unknown> | undefined): Record<string, string> {
  const properties = (schema?.properties ?? {}) as Record<string, { title?: string }>;
  return Object.fromEntries(Object.entries(properties).map(([name, { title }]) => [name, title ?? name]));
}
