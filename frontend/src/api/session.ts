import { useQuery } from "@tanstack/react-query";

import { sessionQuery } from "./queries";

/** A rule of the permission table; roles hold rules. */
export type Rule = "read" | "create" | "train" | "administer";

const NONE: string[] = [];

/** The rules that whoever uses this page holds. */
export function usePermissions(): string[] {
  return useQuery({ ...sessionQuery, enabled: false }).data?.permissions ?? NONE;
}

/** Whether whoever uses this page may do what stands under a rule: what they may not is not shown. */
export function useMay(rule: Rule): boolean {
  return usePermissions().includes(rule);
}

/** Whether people sign in here; else there is one local owner. */
export function useIsTeam(): boolean {
  return useQuery({ ...sessionQuery, enabled: false }).data?.is_team ?? false;
}
