import type { Generation, GenerationCreate, GenerationFacts, Model } from "@/api/generated";
import { shapeOf, sizeFor, type Shape, type Size } from "@/components/shapes";

/** What is being asked for; kept in the browser as it is typed. */
export interface Draft {
  prompt: string;
  model_id: string;
  /** A version of the model; empty means the one in use. */
  version_id: string;
  strength: number;
  shape: Shape;
  /** A size in pixels, where the shape alone is not enough. */
  size: Size | null;
  count: number;
  seed: number | null;
  /** Further settings that differ from what the base wants. */
  settings: Record<string, unknown>;
  /** What hosted models take besides, by BFL's names; kept when one without them is chosen. */
  parameters: Record<string, unknown>;
  /** Ids of the images a hosted model starts from, in order; an empty one is an empty place. */
  images: string[];
  /** Which key pays; empty means the first. */
  key_name: string;
}

export const EMPTY_DRAFT: Draft = {
  prompt: "",
  model_id: "",
  version_id: "",
  strength: 1,
  shape: "1:1",
  size: null,
  count: 4,
  seed: null,
  settings: {},
  parameters: {},
  images: [],
  key_name: "",
};

/** What a draft brings along to a model of this studio: a size it can't draw becomes its shape. */
export function toLocal({ defaults }: Model, { size }: Draft): Partial<Draft> {
  const isTooLarge = size && (size.width > defaults.max_width || size.height > defaults.max_height);
  return { version_id: "", ...(isTooLarge ? { size: null, shape: shapeOf(size.width, size.height) } : {}) };
}

type Started = Pick<Draft, "strength" | "count" | "size">;

/** What images of a model start from, as the studio's settings say. */
export const startOf = ({ kind, defaults }: Model): Started => ({
  strength: kind === "base" ? EMPTY_DRAFT.strength : defaults.finetune_strength,
  count: defaults.count,
  size:
    defaults.usual_width && defaults.usual_height
      ? { width: defaults.usual_width, height: defaults.usual_height }
      : null,
});

/** What nobody changed since it started from one model starts from the next one; what was typed stays. */
export function startedFrom(draft: Draft, from: Started, to: Started): Partial<Draft> {
  const isUntouched = (name: keyof Started) => JSON.stringify(draft[name]) === JSON.stringify(from[name]);
  return {
    ...(isUntouched("strength") ? { strength: to.strength } : {}),
    ...(isUntouched("count") ? { count: to.count } : {}),
    ...(isUntouched("size") ? { size: to.size } : {}),
  };
}

export function asRequest(draft: Draft, model: Model): GenerationCreate {
  return {
    model_id: model.id,
    prompt: draft.prompt.trim(),
    count: draft.count,
    finetune_strength: model.kind === "base" ? 1 : draft.strength,
    ...(model.versions.some(({ id }) => id === draft.version_id) ? { version_id: draft.version_id } : {}),
    ...(draft.seed === null ? {} : { seed: draft.seed }),
    ...draft.settings,
    ...(draft.size ?? sizeFor(draft.shape, model.defaults)),
  };
}

/** The request that makes the images of another one again. */
export function onceMore(old: Generation): GenerationCreate {
  const { prompt, model_id, slots } = old;
  const { version_id, finetune_strength, width, height, steps, guidance } = old;
  const same = { prompt, model_id, count: slots.length, seed: slots[0]?.seed };
  return { ...same, version_id, finetune_strength, width, height, steps, guidance };
}

export const isSame = (a: Size, b: Size) => a.width === b.width && a.height === b.height;

const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

export function hasTrigger(prompt: string, trigger: string): boolean {
  return trigger !== "" && new RegExp(`(^|\\W)${escape(trigger)}(\\W|$)`, "i").test(prompt);
}

/** The prompt for another model: its trigger word instead of the old one, or put in front. */
export function withTrigger(prompt: string, trigger: string, old = ""): string {
  if (old && old !== trigger && hasTrigger(prompt, old)) {
    const swapped = prompt.replace(new RegExp(`(^|\\W)${escape(old)}(?=\\W|$)`, "gi"), `$1${trigger}`);
    return swapped.replace(/\s{2,}/g, " ").trim();
  }
  if (!trigger || hasTrigger(prompt, trigger)) return prompt;
  return prompt.trim() ? `${trigger} ${prompt.trim()}` : `${trigger} `;
}

/** The draft that makes an image of a local model again; without the model, if it is gone. */
export function fromFacts(facts: GenerationFacts, model: Model | null): Partial<Draft> {
  const settings: Record<string, unknown> = {};
  if (model && facts.steps !== model.defaults.steps) settings.steps = facts.steps;
  if (model && facts.guidance !== model.defaults.guidance) settings.guidance = facts.guidance;
  const shape = shapeOf(facts.width, facts.height);
  const { width, height } = facts;
  return {
    prompt: facts.prompt,
    seed: facts.seed,
    shape,
    size: model && isSame(sizeFor(shape, model.defaults), { width, height }) ? null : { width, height },
    strength: facts.finetune_strength,
    settings,
    ...(model ? { model_id: model.id, version_id: facts.version_id ?? "" } : {}),
  };
}
