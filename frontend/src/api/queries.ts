import { keepPreviousData, queryOptions } from "@tanstack/react-query";

import { call } from "./call";
import * as sdk from "./generated";
import type { FinetuneCreate } from "./generated";

/** What the server knows, one entry each; keys are `[noun, id?, part?]` so that events can find them. */

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: () => call(sdk.getSession()),
  retry: false,
  staleTime: Infinity,
});

export const systemQuery = queryOptions({ queryKey: ["system"], queryFn: () => call(sdk.getSystem()) });

export const samplesQuery = queryOptions({
  queryKey: ["samples"],
  queryFn: () => call(sdk.listSamples()),
  staleTime: Infinity,
});

/** What finetunes and images of each mode start from. */
export const defaultsQuery = queryOptions({
  queryKey: ["defaults"],
  queryFn: () => call(sdk.getDefaults()),
});

export const recipeSchemaQuery = queryOptions({
  queryKey: ["schemas", "recipe"],
  queryFn: () => call(sdk.getRecipeSchema()) as Promise<Record<string, unknown>>,
  staleTime: Infinity,
});

export const generationSchemaQuery = queryOptions({
  queryKey: ["schemas", "generation"],
  queryFn: () => call(sdk.getGenerationSchema()) as Promise<Record<string, unknown>>,
  staleTime: Infinity,
});

export const datasetsQuery = (deleted = false) =>
  queryOptions({
    queryKey: ["datasets", { deleted }],
    queryFn: () => call(sdk.listDatasets({ query: { deleted } })),
  });

export const datasetQuery = (id: string) =>
  queryOptions({
    queryKey: ["dataset", id],
    queryFn: () => call(sdk.getDataset({ path: { dataset_id: id } })),
    enabled: id !== "",
  });

export const datasetImagesQuery = (id: string) =>
  queryOptions({
    queryKey: ["dataset", id, "images"],
    queryFn: () => call(sdk.listDatasetImages({ path: { dataset_id: id } })),
  });

/** The check of a dataset; with a base, of what that base wants. */
export const datasetCheckQuery = (id: string, base: string | null = null) =>
  queryOptions({
    queryKey: ["dataset", id, "check", ...(base ? [base] : [])],
    queryFn: () => call(sdk.checkDataset({ path: { dataset_id: id }, query: { base } })),
  });

export const modelsQuery = (deleted = false) =>
  queryOptions({
    queryKey: ["models", { deleted }],
    queryFn: () => call(sdk.listModels({ query: { deleted } })),
  });

/** The bases that are here, as models one can generate with; a handful. */
export const localBasesQuery = queryOptions({
  queryKey: ["models", "bases"],
  queryFn: () => call(sdk.listModels({ query: { kind: "base" } })),
});

/** The newest finetuned models that have these words; there may be thousands, so never all of them. */
export const foundModelsQuery = (query: string, limit: number) =>
  queryOptions({
    queryKey: ["models", "found", { query, limit }],
    queryFn: () => call(sdk.pageModels({ query: { query, limit } })),
    placeholderData: keepPreviousData,
  });

export const basesQuery = queryOptions({ queryKey: ["bases"], queryFn: () => call(sdk.listBases()) });

export const modelQuery = (id: string) =>
  queryOptions({
    queryKey: ["model", id],
    queryFn: () => call(sdk.getModel({ path: { model_id: id } })),
    enabled: id !== "",
  });

export const finetunesQuery = queryOptions({
  queryKey: ["finetunes"],
  queryFn: () => call(sdk.listFinetunes()),
});

export const finetuneQuery = (id: string) =>
  queryOptions({
    queryKey: ["finetune", id],
    queryFn: () => call(sdk.getFinetune({ path: { finetune_id: id } })),
    enabled: id !== "",
    // A trainer that waits with its model loaded leaves without a word.
    refetchInterval: ({ state }) => (state.data?.is_loaded ? 10_000 : false),
  });

export const lossQuery = (id: string) =>
  queryOptions({
    queryKey: ["finetune", id, "loss"],
    queryFn: () => call(sdk.listLoss({ path: { finetune_id: id } })),
  });

export const sampleSheetQuery = (id: string) =>
  queryOptions({
    queryKey: ["finetune", id, "samples"],
    queryFn: () => call(sdk.getSamples({ path: { finetune_id: id } })),
  });

export const checkpointsQuery = (id: string) =>
  queryOptions({
    queryKey: ["finetune", id, "checkpoints"],
    queryFn: () => call(sdk.listCheckpoints({ path: { finetune_id: id } })),
  });

export const logQuery = (id: string) =>
  queryOptions({
    queryKey: ["finetune", id, "log"],
    queryFn: () => call(sdk.listLog({ path: { finetune_id: id } })),
  });

export const validationQuery = (id: string) =>
  queryOptions({
    queryKey: ["finetune", id, "validation"],
    queryFn: () => call(sdk.listValidation({ path: { finetune_id: id } })),
  });

export const imageLossesQuery = (id: string) =>
  queryOptions({
    queryKey: ["finetune", id, "image-losses"],
    queryFn: () => call(sdk.listImageLosses({ path: { finetune_id: id } })),
  });

export const recipeTextQuery = (id: string) =>
  queryOptions({
    queryKey: ["finetune", id, "recipe"],
    queryFn: () => call(sdk.getRecipe({ path: { finetune_id: id }, parseAs: "text" })) as Promise<string>,
  });

export const healthQuery = (finetuneId: string) =>
  queryOptions({
    queryKey: ["health", finetuneId],
    queryFn: () => call(sdk.getHealth({ path: { finetune_id: finetuneId } })),
    enabled: finetuneId !== "",
  });

export const comparisonQuery = (a: string, b: string) =>
  queryOptions({
    queryKey: ["comparison", a, b],
    queryFn: () => call(sdk.compareFinetunes({ query: { a, b } })),
    enabled: a !== "" && b !== "" && a !== b,
    retry: false,
  });

export const templatesQuery = queryOptions({
  queryKey: ["templates"],
  queryFn: () => call(sdk.listTemplates()),
});

export const probeQuery = (id: string) =>
  queryOptions({
    queryKey: ["probe", id],
    queryFn: () => call(sdk.getProbe({ path: { probe_id: id } })),
    enabled: id !== "",
    retry: false,
  });

/** What a finetune would do and cost; asked again whenever a choice changes. */
export const planQuery = (body: FinetuneCreate) =>
  queryOptions({
    queryKey: ["plan", body],
    queryFn: () => call(sdk.planFinetune({ body })),
    enabled: body.dataset_id !== "",
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 15_000,
  });

export const generationsQuery = queryOptions({
  queryKey: ["generations"],
  queryFn: () => call(sdk.listGenerations()),
});

export interface GalleryFilter {
  model_id?: string;
  favourite?: boolean;
  query?: string;
}

export const galleryIdsQuery = (filter: GalleryFilter) =>
  queryOptions({
    queryKey: ["gallery", "ids", filter],
    queryFn: () => call(sdk.listGalleryIds({ query: filter })),
    placeholderData: keepPreviousData,
  });

export const activeJobsQuery = queryOptions({
  queryKey: ["jobs", "active"],
  queryFn: () => call(sdk.listJobs({ query: { active: true } })),
});

/** What runs, then what waits in the order it will run. */
export const queueQuery = queryOptions({
  queryKey: ["jobs", "in turn"],
  queryFn: () => call(sdk.listJobs({ query: { in_turn: true } })),
});
