import type { FinetuneCreate } from "@/api/generated";

/** A finetune being thought about; kept in the browser until it starts. */
export interface Draft {
  name: string;
  dataset_id: string;
  base: string;
  mode: NonNullable<FinetuneCreate["mode"]> | "";
  quality: NonNullable<FinetuneCreate["quality"]>;
  recipe: Record<string, unknown>;
}

export const EMPTY_DRAFT: Draft = {
  name: "",
  dataset_id: "",
  base: "pocket",
  mode: "",
  quality: "balanced",
  recipe: {},
};

export function asRequest(draft: Draft): FinetuneCreate {
  return {
    dataset_id: draft.dataset_id,
    base: draft.base,
    quality: draft.quality,
    recipe: draft.recipe,
    ...(draft.mode ? { mode: draft.mode } : {}),
    ...(draft.name.trim() ? { name: draft.name.trim() } : {}),
  };
}

export const QUALITIES = [
  { value: "draft", title: "Draft", what: "See whether it takes. Rough." },
  { value: "balanced", title: "Balanced", what: "What most people want." },
  { value: "best", title: "Best", what: "Finer likeness; takes its time." },
] as const;

export const MODES = [
  { value: "character", title: "Character", what: "A person, animal or figure that must stay itself." },
  { value: "product", title: "Product", what: "A thing whose shape and details must be right." },
  { value: "style", title: "Style", what: "A way of drawing, painting or lighting." },
  { value: "general", title: "General", what: "Anything else, or a mix." },
] as const;
