import type { FlagInfo } from "@/api/generated";

export const ROLES = ["viewer", "creator", "trainer", "administrator"] as const;

const list = new Intl.ListFormat("en");

/** In words, for whom a feature is on; people are named as far as their names are known. */
export function forWhom(
  { state, roles, people }: Pick<FlagInfo, "state" | "roles" | "people">,
  names: Record<string, string> = {},
): string {
  if (state === "on") return "on for everybody";
  if (state === "off") return "off for everybody";
  const others = people.filter((id) => !names[id]).length;
  const who = [
    ...roles.map((role) => `${role}s`),
    ...people.flatMap((id) => names[id] ?? []),
    ...(others ? [others === 1 ? "one person" : `${others} people`] : []),
  ];
  return `on for ${list.format(who)}`;
}

/** The end of a day, in the browser's zone, as the server takes it. */
export const endOfDay = (day: string) => new Date(`${day}T23:59:59`).toISOString();

/** The day of a moment, in the browser's zone, as a date field takes it. */
export function dayOf(iso: string): string {
  const moment = new Date(iso);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
}
