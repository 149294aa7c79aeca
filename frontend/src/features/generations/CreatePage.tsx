import { useMediaQuery } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, type ReactNode } from "react";

import { call } from "@/api/call";
import { createGeneration, type Generation, type GenerationCreate } from "@/api/generated";
import { generationsQuery, modelsQuery } from "@/api/queries";
import { Loaded } from "@/components/Loaded";
import type { Reuse } from "@/components/recipe";
import { toastGood } from "@/components/undo";
import { useDraft } from "@/components/useDraft";

import { Composer } from "./Composer";
import classes from "./Create.module.css";
import { asRequest, EMPTY_DRAFT, fromFacts, onceMore, withTrigger, type Draft } from "./draft";
import { Results } from "./Results";

interface CreatePageProps {
  /** What the address asked for. */
  asked: { model?: string; prompt?: string; version?: string; strength?: number };
  reuse: Reuse | null;
  onShow: (id: string) => void;
  gallery: (props: { onReuse: (reuse: Reuse) => void; isFramed: boolean }) => ReactNode;
}

/** Prompt left, results centre, history right; one below the other where there is no room. */
export function CreatePage({ asked, reuse, onShow, gallery }: CreatePageProps) {
  const client = useQueryClient();
  const isWide = useMediaQuery("(min-width: 1280px)", undefined, { getInitialValueInEffect: false });
  const models = useQuery(modelsQuery());
  const generations = useQuery(generationsQuery);
  const given: Partial<Draft> = {
    ...(asked.model ? { model_id: asked.model, version_id: asked.version ?? "" } : {}),
    ...(asked.strength === undefined ? {} : { strength: asked.strength }),
    ...(asked.prompt ? { prompt: asked.prompt } : {}),
  };
  const [draft, update] = useDraft("create", EMPTY_DRAFT, given);
  const results = useRef<HTMLDivElement>(null);
  const list = models.data ?? [];
  const ready = list.filter(({ is_ready }) => is_ready);
  const model =
    ready.find(({ id }) => id === draft.model_id) ??
    ready.find(({ kind }) => kind === "finetuned") ??
    ready[0];

  const takeOver = ({ kind, facts }: Reuse) => {
    update(kind === "seed" ? { seed: facts.seed } : fromFacts(facts, list));
    toastGood(kind === "seed" ? `Seed ${facts.seed} is set.` : "The recipe is set; change what you like.");
  };
  const areModelsHere = models.data !== undefined;
  useEffect(() => {
    if (!areModelsHere) return;
    if (reuse) takeOver(reuse);
    // A model asked for by address brings its trigger word.
    else if (asked.model && model?.id === asked.model)
      update({ prompt: withTrigger(asked.prompt ?? draft.prompt, model.trigger_word) });
    // Once, as soon as the models are known.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [areModelsHere]);

  const generate = useMutation({
    mutationFn: (body: GenerationCreate) => call(createGeneration({ body })),
    onSuccess: (generation) => {
      client.setQueryData<Generation[]>(generationsQuery.queryKey, (old = []) => [
        generation,
        ...old.filter(({ id }) => id !== generation.id),
      ]);
      void client.invalidateQueries({ queryKey: ["jobs"] });
      // Where results are below what was asked, they are what one wants to see now.
      const { current } = results;
      if (current && current.getBoundingClientRect().top > window.innerHeight / 2) {
        requestAnimationFrame(() => current.scrollIntoView({ block: "start", behavior: "smooth" }));
      }
    },
  });
  const again = (old: Generation) => generate.mutate(onceMore(old));

  return (
    <div className={classes.create}>
      <h1 className="visually-hidden">Create</h1>
      <div className={classes.left}>
        <Composer
          draft={draft}
          update={update}
          models={list}
          model={model}
          error={generate.error}
          isSending={generate.isPending}
          onGenerate={() => model && generate.mutate(asRequest(draft, model))}
        />
      </div>
      <div className={classes.centre} ref={results}>
        <Loaded query={generations}>
          {(all) => <Results generations={all} onReuse={takeOver} onShow={onShow} onRetry={again} />}
        </Loaded>
      </div>
      <div className={classes.right}>{gallery({ onReuse: takeOver, isFramed: isWide ?? true })}</div>
    </div>
  );
}
