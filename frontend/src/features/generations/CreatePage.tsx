import { useMediaQuery } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, type ReactNode } from "react";

import { call } from "@/api/call";
import { createGeneration, type Generation, type GenerationCreate } from "@/api/generated";
import { forgetHosted } from "@/api/hosted";
import { generationsQuery } from "@/api/queries";
import { ownQuotaQuery } from "@/api/sharing";
import { useFlags } from "@/api/useFlag";
import { Loaded } from "@/components/Loaded";
import type { Reuse } from "@/components/recipe";
import { useDraft } from "@/components/useDraft";

import { Composer } from "./Composer";
import classes from "./Create.module.css";
import { asRequest, EMPTY_DRAFT, onceMore, startedFrom, startOf, withTrigger, type Draft } from "./draft";
import { asHostedRequest } from "./hosted";
import type { Chooser } from "./ImagePlaces";
import { Results } from "./Results";
import { useChoice } from "./useChoice";
import { useTakeOver } from "./useTakeOver";

interface CreatePageProps {
  /** What the address asked for. */
  asked: { model?: string; finetune?: string; prompt?: string; version?: string; strength?: number };
  reuse: Reuse | null;
  onShow: (id: string) => void;
  gallery: (props: { onReuse: (reuse: Reuse) => void; isFramed: boolean }) => ReactNode;
  chooser: Chooser;
}

/** Prompt left, results centre, history right; one below the other where there is no room. */
export function CreatePage({ asked, reuse, onShow, gallery, chooser }: CreatePageProps) {
  const client = useQueryClient();
  const isWide = useMediaQuery("(min-width: 1280px)", undefined, { getInitialValueInEffect: false });
  const generations = useQuery(generationsQuery);
  const given: Partial<Draft> = {
    ...(asked.model ? { model_id: asked.model, version_id: asked.version ?? "" } : {}),
    ...(asked.strength === undefined ? {} : { strength: asked.strength }),
    ...(asked.finetune ? { parameters: { finetune_id: asked.finetune } } : {}),
    ...(asked.prompt ? { prompt: asked.prompt } : {}),
  };
  const [kept, update] = useDraft("create", EMPTY_DRAFT, given);
  const flags = useFlags();
  // What was chosen while a feature was on stays in the draft, and is not asked for while it is off.
  const draft = {
    ...kept,
    count: flags.includes("batch-generation") ? kept.count : 1,
    settings: flags.includes("advanced-parameters") ? kept.settings : {},
  };
  const results = useRef<HTMLDivElement>(null);
  const { choice, isPending, error } = useChoice(draft.model_id);

  const takeOver = useTakeOver(choice, update);
  const reuseNow = (what: Reuse) => void takeOver(what);
  useEffect(() => {
    if (isPending) return;
    if (reuse) {
      void takeOver(reuse);
      return;
    }
    // Whoever begins anew begins as the studio's settings say.
    if (choice?.kind === "local" && !draft.prompt && asked.strength === undefined)
      update((old) => startedFrom(old, EMPTY_DRAFT, startOf(choice.model)));
    // A model asked for by address brings its trigger word.
    if (asked.model && choice?.model.id === asked.model && choice.kind === "local")
      update({ prompt: withTrigger(asked.prompt ?? draft.prompt, choice.model.trigger_word) });
    // Once, as soon as the model is known.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [isPending]);

  const generate = useMutation({
    mutationFn: (body: GenerationCreate) => call(createGeneration({ body })),
    onSuccess: (generation) => {
      client.setQueryData<Generation[]>(generationsQuery.queryKey, (old = []) => [
        generation,
        ...old.filter(({ id }) => id !== generation.id),
      ]);
      void client.invalidateQueries({ queryKey: ["jobs"] });
      void client.invalidateQueries({ queryKey: ownQuotaQuery.queryKey });
      if (generation.cost) void forgetHosted(client);
      // Where results are below what was asked, they are what one wants to see now.
      const { current } = results;
      if (current && current.getBoundingClientRect().top > window.innerHeight / 2) {
        requestAnimationFrame(() => current.scrollIntoView({ block: "start", behavior: "smooth" }));
      }
    },
  });
  const isMine = choice && generate.variables?.model_id === choice.model.id;
  const send = () => {
    if (choice?.kind === "hosted") generate.mutate(asHostedRequest(draft, choice.model));
    if (choice?.kind === "local") generate.mutate(asRequest(draft, choice.model));
  };

  return (
    <div className={classes.create}>
      <h1 className="visually-hidden">Create</h1>
      <div className={classes.left}>
        <Composer
          draft={draft}
          update={update}
          chooser={chooser}
          choice={choice}
          error={isMine ? generate.error : error}
          isSending={generate.isPending}
          onGenerate={send}
        />
      </div>
      <div className={classes.centre} ref={results}>
        <Loaded query={generations}>
          {(all) => (
            <Results
              generations={all}
              onReuse={reuseNow}
              onShow={onShow}
              onRetry={(old) => generate.mutate(onceMore(old))}
            />
          )}
        </Loaded>
      </div>
      <div className={classes.right}>{gallery({ onReuse: reuseNow, isFramed: isWide ?? true })}</div>
    </div>
  );
}
