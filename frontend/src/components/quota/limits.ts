import type { Limits, Usage } from "@/api/generated";
import { countOf, diskBytes } from "@/components/format";

export type LimitName = keyof Usage;

interface LimitKind {
  label: string;
  /** How much of what is typed makes one of what is kept. */
  unit: number;
  prefix?: string;
  suffix?: string;
  decimals: number;
  show: (amount: number) => string;
  /** After "3 of 5". */
  words: string;
}

const usd = (amount: number) => `$${amount.toFixed(2)}`;
const plain = (amount: number) => amount.toLocaleString("en");

/** What can be limited, in the order it is shown. */
export const LIMITS: Record<LimitName, LimitKind> = {
  images_per_day: { label: "Images a day", unit: 1, decimals: 0, show: plain, words: "images today" },
  finetunes_at_once: {
    label: "Finetunes at once",
    unit: 1,
    decimals: 0,
    show: plain,
    words: "finetunes under way",
  },
  finetunes_per_month: {
    label: "Finetunes a month",
    unit: 1,
    decimals: 0,
    show: plain,
    words: "finetunes this month",
  },
  storage_bytes: {
    label: "Storage",
    unit: 1e9,
    suffix: " GB",
    decimals: 1,
    show: diskBytes,
    words: "of storage",
  },
  hosted_usd_per_month: {
    label: "Hosted images a month",
    unit: 1,
    prefix: "$",
    decimals: 2,
    show: usd,
    words: "for hosted images this month",
  },
};

export const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[];

/** How much of a limit is used: "3 of 5 images today". */
export function usedOf(name: LimitName, used: number, limit: number | null | undefined): string {
  const { show, words } = LIMITS[name];
  return `${show(used)} ${limit == null ? "" : `of ${show(limit)} `}${words}`;
}

/** What somebody has that everybody else has not, in words; empty where nothing differs. */
export const ownWords = (own: Record<string, number | null>): string =>
  Object.keys(own).length ? `${countOf(Object.keys(own).length, "limit")} of their own` : "";

/** The share of a limit that is used, at most 1; null without one. */
export const shareOf = (used: number, limit: number | null | undefined): number | null =>
  limit == null ? null : limit === 0 ? 1 : Math.min(1, used / limit);

/** Those of the limits that are set. */
export const limitsSet = (limits: Limits): LimitName[] => LIMIT_NAMES.filter((name) => limits[name] != null);
