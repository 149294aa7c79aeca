import type { HostedModel, Model } from "@/api/generated";
import { dollars } from "@/components/hosted/money";

/** A model one can generate with: one that is here, or one of BFL's. */
export type Choice = { kind: "local"; model: Model } | { kind: "hosted"; model: HostedModel };

export const nameOf = (choice: Choice) => (choice.kind === "local" ? choice.model.name : choice.model.title);

export const canDraw = (choice: Choice) =>
  choice.kind === "hosted" ? choice.model.stage !== "retired" : isUsable(choice.model);

export const isUsable = (model: Model) => model.is_ready && model.deleted_at === null;

/** What a hosted model can do, in a few words. */
export function abilities(model: HostedModel): string[] {
  if (model.stage === "retired") return model.since ? [`retired ${model.since}`] : ["retired"];
  return [
    ...(model.stage === "beta" ? ["beta"] : []),
    ...(model.takes_finetune ? ["LoRA"] : []),
    ...(model.needs_image
      ? ["needs an image"]
      : model.max_images > 1
        ? [`up to ${model.max_images} images`]
        : model.max_images === 1
          ? ["takes an image"]
          : []),
    ...(model.has_seed ? [] : ["no seed"]),
  ];
}

export const priceFrom = ({ price }: HostedModel) => (price === null ? "" : `from ${dollars(price)}`);

/** The hosted models that have all these words in name or description. Retired ones only when asked for by name. */
export function findHosted(models: HostedModel[], words: string): HostedModel[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return models.filter((model) => {
    const text = [model.title, model.id, model.description, ...abilities(model)].join(" ").toLowerCase();
    return wanted.every((word) => text.includes(word)) && (model.stage !== "retired" || wanted.length > 0);
  });
}
