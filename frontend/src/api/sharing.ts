import { queryOptions } from "@tanstack/react-query";

import { call } from "./call";
import { getOwnQuota, getSharing, listPeopleNames, listQuotas } from "./generated";

/** What can be shared; images follow what they lie in. */
export type SharedKind = "dataset" | "finetune" | "model" | "generation";

export const sharingQuery = (kind: SharedKind, id: string) =>
  queryOptions({
    queryKey: ["sharing", kind, id],
    queryFn: () => call(getSharing({ path: { kind, thing_id: id } })),
  });

export const peopleNamesQuery = queryOptions({
  queryKey: ["people", "names"],
  queryFn: () => call(listPeopleNames()),
});

export const ownQuotaQuery = queryOptions({
  queryKey: ["quotas", "mine"],
  queryFn: () => call(getOwnQuota()),
});

export const quotasQuery = queryOptions({
  queryKey: ["quotas"],
  queryFn: () => call(listQuotas()),
});
