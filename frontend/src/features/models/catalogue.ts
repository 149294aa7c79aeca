import { queryOptions, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { call } from "@/api/call";
import { importLora, pageModels, type Model } from "@/api/generated";
import { toastGood, toastProblem } from "@/components/undo";

/** How many models are asked for at once. */
export const WINDOW = 60;

export interface ModelFilter {
  query?: string;
  base?: string;
  mode?: string;
  tag?: string;
  order?: "newest" | "oldest" | "name";
}

/** One window of the finetuned models a filter finds. */
export const modelWindowQuery = (filter: ModelFilter, number: number) =>
  queryOptions({
    queryKey: ["models", "page", filter, number],
    queryFn: () => call(pageModels({ query: { ...filter, offset: number * WINDOW, limit: WINDOW } })),
  });

/** What Create is asked for with a model: the model itself, or the endpoint that draws with it where its weights are. */
export function drawnWith({ id, prompts, versions, deployment }: Model) {
  const prompt = prompts[0] ?? "";
  return versions.length === 0 && deployment
    ? { model: deployment.hosted_model_id, finetune: deployment.finetune_id, prompt }
    : { model: id, prompt };
}

/** Files become models, one after the other, and the server draws a picture with each; of a single one the page opens. */
export function useImport() {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [busy, setBusy] = useState<string | null>(null);
  const run = async (files: File[]) => {
    let first: string | undefined;
    for (const file of files) {
      setBusy(file.name);
      try {
        const model = await call(importLora({ body: { file } }));
        first ??= model.id;
        toastGood(
          `“${model.name}” was imported: ${model.provenance?.layout_title ?? ""}, for ${model.base}.`,
        );
      } catch (error) {
        toastProblem(error);
      }
    }
    setBusy(null);
    await client.invalidateQueries({ queryKey: ["models"] });
    if (first && files.length === 1) await navigate({ to: "/models/$modelId", params: { modelId: first } });
  };
  return { busy, run };
}
