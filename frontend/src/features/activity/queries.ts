import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";

import { call } from "@/api/call";
import { listAuditEntries, listAuditFilters, verifyAuditLog } from "@/api/generated";

export interface Filter {
  query?: string;
  action?: string;
  actor_id?: string;
  since?: string;
}

export const entriesQuery = (filter: Filter) =>
  infiniteQueryOptions({
    queryKey: ["audit", "entries", filter],
    queryFn: ({ pageParam }) => call(listAuditEntries({ query: { ...filter, before: pageParam } })),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.next_before,
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  });

export const filtersQuery = queryOptions({
  queryKey: ["audit", "filters"],
  queryFn: () => call(listAuditFilters()),
});

export const verificationQuery = queryOptions({
  queryKey: ["audit", "verification"],
  queryFn: () => call(verifyAuditLog()),
  enabled: false,
  staleTime: Infinity,
});
