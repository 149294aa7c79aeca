import { queryOptions, useQuery } from "@tanstack/react-query";

import { call } from "@/api/call";
import {
  listDeployedModels,
  listFinetunesAtBfl,
  type DeployedName,
  type HostedFinetunes,
  type HostedModel,
} from "@/api/generated";
import type { Suggestion } from "@/components/schema-form/Suggested";

const deployedQuery = queryOptions({
  queryKey: ["deployments"],
  queryFn: () => call(listDeployedModels()),
  staleTime: 30_000,
});

const accountQuery = (keyName: string) =>
  queryOptions({
    queryKey: ["deployments", "at-bfl", keyName],
    queryFn: () => call(listFinetunesAtBfl({ query: { key_name: keyName || undefined } })),
    retry: false,
    staleTime: 60_000,
  });

/** What can be named: models of the catalogue that this hosted model draws with, other ones, then the account's rest. */
export function suggestionsFor(
  model: Pick<HostedModel, "id">,
  deployed: DeployedName[],
  account: Pick<HostedFinetunes, "names"> | undefined,
): Suggestion[] {
  const mine = deployed.filter((each) => each.hosted_model_id === model.id);
  const others = deployed.filter((each) => each.hosted_model_id !== model.id);
  const all = [
    ...mine.map(({ finetune_id: value, name }) => ({ value, note: name })),
    ...others.map(({ finetune_id: value, name }) => ({
      value,
      note: `${name}, linked with another hosted model`,
    })),
    ...(account?.names ?? []).map((value) => ({ value, note: "In the account at BFL" })),
  ];
  return all.filter(({ value }, at) => all.findIndex((each) => each.value === value) === at);
}

/** The finetunes that are known, for a model that draws with one. */
export function useFinetunes(model: HostedModel, keyName: string): Suggestion[] {
  const enabled = model.takes_finetune;
  const deployed = useQuery({ ...deployedQuery, enabled });
  const account = useQuery({ ...accountQuery(keyName), enabled });
  return enabled ? suggestionsFor(model, deployed.data ?? [], account.data) : [];
}
