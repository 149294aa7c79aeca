import type { FinetuneCreate, FinetuneCreateWritable, RecipeDocument, Template } from "@/api/generated";

/** A finetune being thought about; kept in the browser until it starts. */
export interface Draft {
  name: string;
  dataset_id: string;
  /** The server to train at; empty is this computer. */
  server_id: string;
  base: string;
  mode: NonNullable<FinetuneCreate["mode"]> | "";
  /** Empty is what the studio's settings say for the mode. */
  quality: NonNullable<FinetuneCreate["quality"]> | "";
  trigger_word: string;
  recipe: Record<string, unknown>;
  webhook_url: string;
  /** The recipe as last typed, if it was typed as text. */
  text: string | null;
  /** What the text says, as `signatureOf` has it; null while it can't be read. */
  textFor: string | null;
  /** The measurement started last. */
  probe_id: string;
}

export const EMPTY_DRAFT: Draft = {
  name: "",
  dataset_id: "",
  server_id: "",
  base: "",
  mode: "",
  quality: "",
  trigger_word: "",
  recipe: {},
  webhook_url: "",
  text: null,
  textFor: null,
  probe_id: "",
};

/** What a plan depends on; the name and who is told make no difference to it. */
export function asPlan(draft: Draft): FinetuneCreate {
  return {
    dataset_id: draft.dataset_id,
    ...(draft.server_id ? { server_id: draft.server_id } : {}),
    ...(draft.base ? { base: draft.base } : {}),
    ...(draft.quality ? { quality: draft.quality } : {}),
    recipe: draft.recipe,
    ...(draft.mode ? { mode: draft.mode } : {}),
    ...(draft.trigger_word.trim() ? { trigger_word: draft.trigger_word.trim() } : {}),
  };
}

export function asRequest(draft: Draft, secret = ""): FinetuneCreateWritable {
  const url = draft.webhook_url.trim();
  return {
    ...asPlan(draft),
    ...(draft.name.trim() ? { name: draft.name.trim() } : {}),
    ...(url ? { webhook_url: url } : {}),
    ...(url && secret ? { webhook_secret: secret } : {}),
  };
}

/** The part of a draft that a recipe document says. */
export const signatureOf = ({ name, dataset_id, base, mode, quality, trigger_word, recipe }: Draft): string =>
  JSON.stringify([name.trim(), dataset_id, base, mode, quality, trigger_word.trim(), recipe]);

/** What a document that was read changes in the draft; choices it does not name stay. */
export function fromDocument(draft: Draft, document: RecipeDocument, datasetId: string): Draft {
  return {
    ...draft,
    name: document.name ?? "",
    trigger_word: document.trigger_word ?? "",
    dataset_id: datasetId,
    base: document.base ?? draft.base,
    mode: document.mode ?? draft.mode,
    quality: document.quality ?? draft.quality,
    recipe: document.recipe ?? {},
  };
}

/** What a template changes in the draft; what it leaves empty stays. */
export const fromTemplate = (draft: Draft, template: Template): Partial<Draft> => ({
  base: template.base ?? draft.base,
  mode: template.mode ?? draft.mode,
  quality: template.quality ?? draft.quality,
  recipe: template.recipe,
  text: null,
  textFor: null,
});

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
