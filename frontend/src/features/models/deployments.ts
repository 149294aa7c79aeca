import { queryOptions, useQueryClient } from "@tanstack/react-query";

import { call } from "@/api/call";
import {
  linkDeployment,
  listFinetunesAtBfl,
  listParities,
  lookUpDeployment,
  planDeployment,
  probeDeployment,
  unlinkDeployment,
  type DeploymentLink,
  type Model,
} from "@/api/generated";
import { forgetHosted } from "@/api/hosted";
import { modelQuery } from "@/api/queries";
import { toastGood, toastProblem, toastUndo } from "@/components/undo";

/** Whether BFL's service takes a model under a name, and how to bring it there. */
export const planQuery = (id: string, name: string) =>
  queryOptions({
    queryKey: ["model", id, "deployment", name],
    queryFn: () => call(planDeployment({ path: { model_id: id }, query: { finetune_id: name } })),
  });

/** Checks are a handful of generations; while some of them run, their images come one by one. */
export const paritiesQuery = (id: string) =>
  queryOptions({
    queryKey: ["model", id, "parities"],
    queryFn: () => call(listParities({ path: { model_id: id } })),
    refetchInterval: ({ state }) => (state.data?.some((each) => each.state === "running") ? 2000 : false),
  });

export const atBflQuery = queryOptions({
  queryKey: ["deployments", "at-bfl"],
  queryFn: () => call(listFinetunesAtBfl()),
  retry: false,
  staleTime: 30_000,
});

/** Link, look up, unlink; the page shows what the server said. */
export function useDeployment(model: Model) {
  const client = useQueryClient();
  const path = { model_id: model.id };
  const { queryKey } = modelQuery(model.id);
  const show = (changed: Model) => {
    client.setQueryData(queryKey, changed);
    void client.invalidateQueries({ queryKey: ["models"] });
  };
  const link = async (body: DeploymentLink) => show(await call(linkDeployment({ path, body })));
  const lookUp = async () => show(await call(lookUpDeployment({ path })));
  const probe = async () => {
    await call(probeDeployment({ path }));
    await client.invalidateQueries({ queryKey });
    await forgetHosted(client);
    toastGood("One image is drawn at BFL. When it is there, look the model up again.");
  };
  const unlink = async () => {
    const old = model.deployment;
    await call(unlinkDeployment({ path }));
    await client.invalidateQueries({ queryKey });
    void client.invalidateQueries({ queryKey: ["models"] });
    if (!old) return;
    const { finetune_id, hosted_model_id, version_id, key_name } = old;
    toastUndo(`“${model.name}” is not linked any more; at BFL nothing changed.`, () =>
      link({ finetune_id, endpoint: hosted_model_id, version_id, key_name }),
    );
  };
  const safely = (run: () => Promise<void>) => () => run().catch(toastProblem);
  return { link, lookUp: safely(lookUp), probe: safely(probe), unlink: safely(unlink) };
}
