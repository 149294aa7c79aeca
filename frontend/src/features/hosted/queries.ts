import { infiniteQueryOptions, queryOptions, type QueryClient } from "@tanstack/react-query";

import { call } from "@/api/call";
import { getHostedStatus, listHostedAccounts, listLedger, listNotDelivered } from "@/api/generated";

export const hostedStatusQuery = queryOptions({
  queryKey: ["hosted", "status"],
  queryFn: () => call(getHostedStatus()),
  refetchInterval: 5000,
});

/** Asks BFL, so not often. */
export const accountsQuery = queryOptions({
  queryKey: ["hosted", "accounts"],
  queryFn: () => call(listHostedAccounts()),
  staleTime: 60_000,
});

export const owedQuery = queryOptions({
  queryKey: ["hosted", "owed"],
  queryFn: () => call(listNotDelivered({ query: { limit: 500 } })),
  refetchInterval: 5000,
});

export const ledgerQuery = infiniteQueryOptions({
  queryKey: ["hosted", "ledger"],
  queryFn: ({ pageParam }) =>
    call(listLedger({ query: { limit: 50, ...(pageParam ? { before: pageParam } : {}) } })),
  initialPageParam: "",
  getNextPageParam: ({ next_before }) => next_before ?? undefined,
});

export const forgetHosted = (client: QueryClient) => client.invalidateQueries({ queryKey: ["hosted"] });
