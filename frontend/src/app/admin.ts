import { BookOpen, ChartLine, Cloud, Gauge, KeyRound, Server, SlidersHorizontal, type LucideIcon } from "lucide-react";

interface AdminPage {
  to: string;
  label: string;
  /** Further words by which the palette finds it. */
  keywords?: string;
  Icon: LucideIcon;
}

/** The pages under Admin, in groups as the list beside them shows. Each needs its route in `router.tsx`. */
export const ADMIN_GROUPS = [
  {
    title: "Studio",
    pages: [
      { to: "/system", label: "Overview", keywords: "system ready device memory theme", Icon: Gauge },
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
      { to: "/system/servers", label: "Servers", keywords: "other computer gpu remote train", Icon: Server },
    ],
  },
  {
    title: "People",
    pages: [
      { to: "/system/access", label: "Access", keywords: "sign out token v1 api browser", Icon: KeyRound },
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
    ],
  },
  {
    title: "Help",
    pages: [{ to: "/system/api", label: "API reference", keywords: "http openapi", Icon: BookOpen }],
  },
] as const satisfies readonly { title: string; pages: readonly AdminPage[] }[];

export type AdminAddress = (typeof ADMIN_GROUPS)[number]["pages"][number]["to"];

export const ADMIN_PAGES = ADMIN_GROUPS.flatMap(
  ({ pages }): readonly (AdminPage & { to: AdminAddress })[] => pages,
);
