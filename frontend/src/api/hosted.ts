import { keepPreviousData, queryOptions, type QueryClient } from "@tanstack/react-query";

import { call } from "./call";
import {
  estimateGeneration,
  getHostedStatus,
  listHostedModels,
  listNotDelivered,
  type GenerationCreate,
} from "./generated";

/** Hosted models are told from local ones by their ids. */
export const isHosted = (modelId: string) => modelId.startsWith("bfl:");

/** A table in the program, so it stays as it is until the studio is started anew. */
export const hostedModelsQuery = queryOptions({
  queryKey: ["hosted models"],
  queryFn: () => call(listHostedModels()),
  staleTime: Infinity,
});

export const hostedStatusQuery = queryOptions({
  queryKey: ["hosted", "status"],
  queryFn: () => call(getHostedStatus()),
  refetchInterval: 5000,
});

export const owedQuery = queryOptions({
  queryKey: ["hosted", "owed"],
  queryFn: () => call(listNotDelivered({ query: { limit: 500 } })),
  refetchInterval: 5000,
});

/** What a request would cost. While another one is asked for, the last answer stays, as such. */
export const estimateQuery = (body: GenerationCreate) =>
  queryOptions({
    queryKey: ["hosted", "estimate", body],
    queryFn: () => call(estimateGeneration({ body })),
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 15_000,
  });

export const forgetHosted = (client: QueryClient) => client.invalidateQueries({ queryKey: ["hosted"] });
