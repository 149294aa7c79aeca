import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";

import type { GenerationCreate, HostedModel } from "@/api/generated";
import { estimateQuery } from "@/api/hosted";

import type { Draft } from "./draft";
import { asHostedRequest } from "./hosted";

const NOTHING: GenerationCreate = { model_id: "", prompt: "" };

/** The price of a draft. Words cost nothing, so it is not asked for anew while one types. */
export function useEstimate(draft: Draft, model: HostedModel | undefined, isWanted: boolean) {
  const isAsked = model !== undefined && isWanted;
  const body = isAsked ? asHostedRequest({ ...draft, prompt: "any", seed: null }, model) : NOTHING;
  const [asked] = useDebouncedValue(JSON.stringify(body), 150);
  const estimate = useQuery({
    ...estimateQuery(JSON.parse(asked) as GenerationCreate),
    enabled: isAsked && asked !== JSON.stringify(NOTHING),
  });
  return {
    estimate,
    /** What is shown is the price of what would be sent. */
    isCurrent: asked === JSON.stringify(body) && estimate.isSuccess && !estimate.isPlaceholderData,
  };
}
