import { useQuery } from "@tanstack/react-query";

import type { FlagInfo } from "./generated";
import { sessionQuery } from "./queries";

export type FlagName = FlagInfo["name"];

const NONE: FlagName[] = [];

/** The features that are on for whoever uses this page; the server refuses what is not shown here, too. */
export function useFlags(): FlagName[] {
  return useQuery({ ...sessionQuery, enabled: false }).data?.flags ?? NONE;
}

/** Whether a feature is on for whoever uses this page. */
export function useFlag(name: FlagName): boolean {
  return useFlags().includes(name);
}
