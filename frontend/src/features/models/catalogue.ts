import { infiniteQueryOptions, keepPreviousData, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { call } from "@/api/call";
import { createGeneration, importLora, pageModels, type PageModelsData } from "@/api/generated";
import { toastGood, toastProblem } from "@/components/undo";

const WINDOW = 60;

export type ModelFilter = Pick<
  NonNullable<PageModelsData["query"]>,
  "query" | "base" | "mode" | "tag" | "order"
>;

/** The finetuned models a filter finds, a window at a time. */
export const modelPagesQuery = (filter: ModelFilter) =>
  infiniteQueryOptions({
    queryKey: ["models", "page", filter],
    queryFn: ({ pageParam }) => call(pageModels({ query: { ...filter, offset: pageParam, limit: WINDOW } })),
    initialPageParam: 0,
    getNextPageParam: (last, all) => {
      const shown = all.reduce((sum, { items }) => sum + items.length, 0);
      return shown < last.total && last.items.length > 0 ? shown : undefined;
    },
    placeholderData: keepPreviousData,
  });

/** Files become models, one after the other; the first one's page is opened, and a picture of each is drawn. */
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
        if (model.is_ready) {
          const body = { model_id: model.id, prompt: model.prompts[0] ?? model.name, count: 1 };
          await call(createGeneration({ body })).catch(toastProblem);
        }
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
