import { useQuery } from "@tanstack/react-query";

import { foundModelsQuery, localBasesQuery } from "@/api/queries";
import { canDraw, isUsable, type Choice } from "@/components/models/choice";
import { useNamed } from "@/components/models/useNamed";

const NEWEST = 40;

/** The model a draft names; without one, or when it is gone, the newest finetuned one, else a base. */
export function useChoice(id: string): { choice: Choice | undefined; isPending: boolean; error: unknown } {
  const named = useNamed(id);
  const newest = useQuery(foundModelsQuery("", NEWEST));
  const bases = useQuery(localBasesQuery);
  // A retired one stays: it explains itself.
  if (named.choice && (named.choice.kind === "hosted" || canDraw(named.choice)))
    return { choice: named.choice, isPending: false, error: null };
  const isPending = named.isPending || newest.isPending || bases.isPending;
  const usual = isPending ? undefined : (newest.data?.items.find(isUsable) ?? bases.data?.find(isUsable));
  return {
    choice: usual && { kind: "local", model: usual },
    isPending,
    error: newest.error ?? bases.error,
  };
}
