import {
  Archive,
  BellRing,
  BookOpen,
  ChartLine,
  ChartPie,
  Cloud,
  Gauge,
  HardDrive,
  History,
  KeyRound,
  ScrollText,
  Server,
  SlidersHorizontal,
  ToggleLeft,
  Users,
  type LucideIcon,
} from "lucide-react";

import type { Rule } from "@/api/session";

interface AdminPage {
  to: string;
  label: string;
  /** Further words by which the palette finds it. */
  keywords?: string;
  /** What its user must be allowed; without it, to administer. */
  rule?: Rule;
  Icon: LucideIcon;
}

/** The pages under Admin, in groups as the list beside them shows. Each needs its route in `router.tsx`. */
export const ADMIN_GROUPS = [
  {
    title: "Studio",
    pages: [
      {
        to: "/system",
        label: "Overview",
        keywords: "system ready device memory theme",
        rule: "read",
        Icon: Gauge,
      },
      {
        to: "/system/hosted",
        label: "Hosted",
        keywords: "bfl credits ledger money keys budget",
        Icon: Cloud,
      },
      {
        to: "/system/settings",
        label: "Settings",
        keywords: "defaults configuration change export import",
        Icon: SlidersHorizontal,
      },
      {
        to: "/system/flags",
        label: "Flags",
        keywords: "features switch off roles experimental",
        Icon: ToggleLeft,
      },
      { to: "/system/servers", label: "Servers", keywords: "other computer gpu remote train", Icon: Server },
    ],
  },
  {
    title: "People",
    pages: [
      {
        to: "/system/quotas",
        label: "Quotas",
        keywords: "limits budget people images storage money",
        Icon: ChartPie,
      },
      { to: "/system/people", label: "People", keywords: "invite role user account team", Icon: Users },
      {
        to: "/system/access",
        label: "Access",
        keywords: "sign out token v1 api browser password",
        rule: "read",
        Icon: KeyRound,
      },
      {
        to: "/system/activity",
        label: "Activity",
        keywords: "audit log who changed history verify export",
        Icon: History,
      },
    ],
  },
  {
    title: "Watching",
    pages: [
      {
        to: "/system/metrics",
        label: "Metrics",
        keywords: "plots queue latency speed prometheus cpu memory gpu",
        Icon: ChartLine,
      },
      {
        to: "/system/logs",
        label: "Logs",
        keywords: "lines errors warnings support bundle request job",
        Icon: ScrollText,
      },
      {
        to: "/system/alerts",
        label: "Alerts",
        keywords: "failed budget disk down mail webhook",
        Icon: BellRing,
      },
    ],
  },
  {
    title: "Keeping",
    pages: [
      {
        to: "/system/storage",
        label: "Storage",
        keywords: "disk room space clean trash checkpoints retention",
        Icon: HardDrive,
      },
      { to: "/system/backups", label: "Backups", keywords: "copy restore verify schedule", Icon: Archive },
    ],
  },
  {
    title: "Help",
    pages: [
      { to: "/system/api", label: "API reference", keywords: "http openapi", rule: "read", Icon: BookOpen },
    ],
  },
] as const satisfies readonly { title: string; pages: readonly AdminPage[] }[];

export type AdminAddress = (typeof ADMIN_GROUPS)[number]["pages"][number]["to"];

type Page = AdminPage & { to: AdminAddress };

/** The pages whoever holds these permissions may open, in their groups. */
export function adminGroupsFor(permissions: readonly string[]) {
  return ADMIN_GROUPS.map(({ title, pages }) => ({
    title,
    pages: (pages as readonly Page[]).filter(({ rule }) => permissions.includes(rule ?? "administer")),
  })).filter(({ pages }) => pages.length > 0);
}

/** What a page under Admin takes; one that is not listed, to administer. */
export const ruleOfAdminPage = (address: string): Rule =>
  ADMIN_GROUPS.flatMap(({ pages }) => pages as readonly Page[]).find(({ to }) => to === address)?.rule ??
  "administer";
