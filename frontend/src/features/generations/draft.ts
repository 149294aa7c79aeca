import type { Generation, GenerationCreate, GenerationFacts, Model } from "@/api/generated";
import { shapeOf, sizeFor, type ShapeName } from "@/components/shapes";

/** What is being asked for; kept in the browser as it is typed. */
export interface Draft {
  prompt: string;
  model_id: string;
  /** A version of the model; empty means the one in use. */
  version_id: string;
  strength: number;
  shape: ShapeName;
  count: number;
  seed: number | null;
  /** Further settings that differ from what the base wants. */
  settings: Record<string, unknown>;
}

export const EMPTY_DRAFT: Draft = {
  prompt: "",
  model_id: "",
  version_id: "",
  strength: 1,
  shape: "1:1",
  count: 4,
  seed: null,
  settings: {},
};

export function asRequest(draft: Draft, model: Model): GenerationCreate {
  return {
    model_id: model.id,
    prompt: draft.prompt.trim(),
    count: draft.count,
    finetune_strength: model.kind === "base" ? 1 : draft.strength,
    ...(model.versions.some(({ id }) => id === draft.version_id) ? { version_id: draft.version_id } : {}),
    ...(draft.seed === null ? {} : { seed: draft.seed }),
    ...sizeFor(draft.shape, model.defaults),
    ...draft.settings,
  };
}

/** The request that makes the images of another one again. A hosted model takes its own parameters and no others. */
export function onceMore(old: Generation): GenerationCreate {
  const { prompt, model_id, slots } = old;
  const same = { prompt, model_id, count: slots.length, seed: slots[0]?.seed };
  if (old.cost) return { ...same, parameters: old.parameters };
  const { version_id, finetune_strength, width, height, steps, guidance } = old;
  return { ...same, version_id, finetune_strength, width, height, steps, guidance };
}

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

/** The draft that makes an image again. */
export function fromFacts(facts: GenerationFacts, models: Model[]): Partial<Draft> {
  const model = models.find(({ id }) => id === facts.model_id);
  const settings: Record<string, unknown> = {};
  if (model && facts.steps !== model.defaults.steps) settings.steps = facts.steps;
  if (model && facts.guidance !== model.defaults.guidance) settings.guidance = facts.guidance;
  const shape = shapeOf(facts.width, facts.height);
  if (model) {
    const usual = sizeFor(shape, model.defaults);
    if (usual.width !== facts.width || usual.height !== facts.height)
      Object.assign(settings, { width: facts.width, height: facts.height });
  }
  return {
    prompt: facts.prompt,
    seed: facts.seed,
    shape,
    strength: facts.finetune_strength,
    settings,
    ...(model ? { model_id: model.id, version_id: facts.version_id ?? "" } : {}),
  };
}
