import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { call } from "@/api/call";
import { listHostedAccounts, listLedger } from "@/api/generated";

/** Asks BFL, so not often. */
export const accountsQuery = queryOptions({
  queryKey: ["hosted", "accounts"],
  queryFn: () => call(listHostedAccounts()),
  staleTime: 60_000,
});

export const ledgerQuery = infiniteQueryOptions({
  queryKey: ["hosted", "ledger"],
  queryFn: ({ pageParam }) =>
    call(listLedger({ query: { limit: 50, ...(pageParam ? { before: pageParam } : {}) } })),
  initialPageParam: "",
  getNextPageParam: ({ next_before }) => next_before ?? undefined,
});
