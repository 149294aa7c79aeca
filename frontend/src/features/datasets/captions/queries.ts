import { queryOptions } from "@tanstack/react-query";

import { call } from "@/api/call";
import {
  countCaptions,
  listCaptioners,
  listCaptionFrequencies,
  listCaptionPrompts,
  listCaptionRuns,
  listCaptionSteps,
  listCaptionVersions,
  previewCaptionStep,
  type CaptionStepCreate,
} from "@/api/generated";

const path = (datasetId: string) => ({ dataset_id: datasetId });

/** Under the dataset's own key, so that whatever changes the dataset asks for these again. */
const key = (datasetId: string, what: string) => ["dataset", datasetId, "captions", what];

export const stepsQuery = (datasetId: string) =>
  queryOptions({
    queryKey: key(datasetId, "steps"),
    queryFn: () => call(listCaptionSteps({ path: path(datasetId) })),
  });

export const runsQuery = (datasetId: string) =>
  queryOptions({
    queryKey: key(datasetId, "runs"),
    queryFn: () => call(listCaptionRuns({ path: path(datasetId) })),
  });

export const frequenciesQuery = (datasetId: string) =>
  queryOptions({
    queryKey: key(datasetId, "frequencies"),
    queryFn: () => call(listCaptionFrequencies({ path: path(datasetId) })),
  });

export const countsQuery = (datasetId: string, ids: string[] | null) =>
  queryOptions({
    queryKey: [...key(datasetId, "counts"), ids],
    queryFn: () => call(countCaptions({ path: path(datasetId), body: { dataset_image_ids: ids } })),
  });

export const previewQuery = (datasetId: string, body: CaptionStepCreate | null) =>
  queryOptions({
    queryKey: [...key(datasetId, "preview"), body],
    queryFn: () => call(previewCaptionStep({ path: path(datasetId), body: body! })),
    enabled: body !== null,
    retry: false,
    staleTime: 0,
    gcTime: 0,
  });

export const versionsQuery = (datasetId: string, imageId: string) =>
  queryOptions({
    queryKey: [...key(datasetId, "versions"), imageId],
    queryFn: () => call(listCaptionVersions({ path: { ...path(datasetId), dataset_image_id: imageId } })),
  });

export const captionersQuery = queryOptions({
  queryKey: ["captioners"],
  queryFn: () => call(listCaptioners()),
});

export const promptsQuery = queryOptions({
  queryKey: ["captioners", "prompts"],
  queryFn: () => call(listCaptionPrompts()),
});
