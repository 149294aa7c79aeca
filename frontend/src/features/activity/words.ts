/** `caption_server.added` → "Caption server added". */
export function actionWords(action: string): string {
  const words = action.replace(/[._-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

type Values = Record<string, unknown> | null;

export interface Difference {
  name: string;
  before: string | null;
  after: string | null;
}

function shown(value: unknown): string {
  if (value === null || value === undefined || value === "") return "nothing";
  if (Array.isArray(value)) return value.length ? value.map(shown).join(", ") : "nothing";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** What differs between before and after; a side that was not recorded is null. */
export function differences(before: Values, after: Values): Difference[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return names
    .map((name) => ({
      name: name.replace(/_/g, " "),
      before: before ? shown(before[name]) : null,
      after: after ? shown(after[name]) : null,
    }))
    .filter((each) => each.before !== each.after);
}
