import { useQueryClient } from "@tanstack/react-query";

import { call } from "@/api/call";
import { getGeneration } from "@/api/generated";
import { hostedModelsQuery, isHosted } from "@/api/hosted";
import { modelQuery } from "@/api/queries";
import { isUsable, type Choice } from "@/components/models/choice";
import type { Reuse } from "@/components/recipe";
import { toastGood } from "@/components/undo";

import { fromFacts, type Draft } from "./draft";
import { bringTo, fromGeneration, placesOf } from "./hosted";
import { placed } from "./ImagePlaces";

type Update = (by: Partial<Draft> | ((old: Draft) => Partial<Draft>)) => void;

/** Take over what an image was made with, its seed, or the image itself as one to start from. */
export function useTakeOver(choice: Choice | undefined, update: Update) {
  const client = useQueryClient();

  /** Returns whether all of it is known still. */
  const everything = async (facts: Reuse["facts"]): Promise<boolean> => {
    let hostedId = facts.model_id;
    if (!isHosted(hostedId)) {
      const model = await client
        .fetchQuery({ ...modelQuery(facts.model_id), retry: false })
        .catch(() => null);
      const usable = model && isUsable(model) ? model : null;
      if (usable || !model?.deployment) {
        update(fromFacts(facts, usable));
        return usable !== null;
      }
      // Its weights are at BFL alone, so that is where it was drawn.
      hostedId = model.deployment.hosted_model_id;
    }
    const models = await client.fetchQuery(hostedModelsQuery);
    const model = models.find(({ id }) => id === hostedId);
    const old = await call(getGeneration({ path: { generation_id: facts.generation_id } })).catch(() => null);
    if (!model) update({ prompt: facts.prompt });
    else if (old) update(fromGeneration(old, facts.seed, model));
    else update({ prompt: facts.prompt, model_id: model.id, seed: model.has_seed ? facts.seed : null });
    return model !== undefined && old !== null;
  };

  const startFrom = async (imageId: string) => {
    const places = choice?.kind === "hosted" ? placesOf(choice.model).length : 0;
    update((old) => ({ images: placed(old.images, [imageId], places || 1) }));
    if (places > 0) return toastGood("The image is set as one to start from.");
    const models = await client.fetchQuery(hostedModelsQuery);
    const able = models.find((model) => model.stage === "live" && model.max_images > 0);
    toastGood(
      "The image is kept for a model that takes one.",
      able && {
        label: `Use ${able.title}`,
        run: () => update((old) => ({ model_id: able.id, ...bringTo(able, old) })),
      },
    );
  };

  return async ({ kind, facts, imageId }: Reuse) => {
    if (kind === "image") return startFrom(imageId);
    if (kind === "seed") {
      update({ seed: facts.seed });
      return toastGood(`Seed ${facts.seed} is set.`);
    }
    const isWhole = await everything(facts);
    toastGood(
      isWhole
        ? "The recipe is set; change what you like."
        : "What is known of the recipe is set; its model is no longer here.",
    );
  };
}
