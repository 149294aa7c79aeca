import { Button, Input, Loader, NumberInput, SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Sparkles } from "lucide-react";

import { hostedStatusQuery } from "@/api/hosted";
import { fieldErrors } from "@/api/problem";
import { generationSchemaQuery } from "@/api/queries";
import { useFlags } from "@/api/useFlag";
import type { Choice } from "@/components/models/choice";
import { ModelPicker } from "@/components/models/ModelPicker";
import { ErrorState } from "@/components/ProblemCard";
import { QuotaLine } from "@/components/quota/QuotaLine";
import { SchemaForm } from "@/components/schema-form/SchemaForm";

import classes from "./Create.module.css";
import { startedFrom, startOf, toLocal, withTrigger, type Draft } from "./draft";
import { bringTo, lacking, takesPrompt } from "./hosted";
import { HostedFields, HostedSettings, type HostedFieldsProps } from "./HostedFields";
import { NoKey, Retired } from "./HostedNotice";
import { LocalFields } from "./LocalFields";
import { lacksMask, Price } from "./Price";
import { PromptField } from "./PromptField";
import { useEstimate } from "./useEstimate";

interface ComposerProps extends Pick<HostedFieldsProps, "draft" | "update" | "chooser"> {
  choice: Choice | undefined;
  error: unknown;
  isSending: boolean;
  onGenerate: () => void;
}

const COUNTS = ["1", "2", "4", "8"];

const triggerOf = (choice: Choice | undefined) => (choice?.kind === "local" ? choice.model.trigger_word : "");

/** What a draft becomes with another model: the words stay, less the old trigger word; a finetune at BFL needs it. */
function moved(draft: Draft, from: Choice | undefined, to: Choice): Partial<Draft> {
  const keepsTrigger = to.kind === "hosted" && to.model.takes_finetune;
  const prompt =
    draft.prompt.trim() && !keepsTrigger
      ? withTrigger(draft.prompt, triggerOf(to), triggerOf(from))
      : draft.prompt;
  return {
    model_id: to.model.id,
    prompt,
    ...(to.kind === "local" && from?.kind === "local"
      ? startedFrom(draft, startOf(from.model), startOf(to.model))
      : {}),
    ...(to.kind === "hosted" ? bringTo(to.model, draft) : toLocal(to.model, draft)),
  };
}

/** What is asked for, quietest settings last. */
export function Composer({ draft, update, chooser, choice, error, isSending, onGenerate }: ComposerProps) {
  const flags = useFlags();
  const schema = useQuery(generationSchemaQuery).data;
  const hosted = choice?.kind === "hosted" ? choice.model : undefined;
  const local = choice?.kind === "local" ? choice.model : undefined;
  const status = useQuery({ ...hostedStatusQuery, enabled: hosted !== undefined }).data;
  const isRetired = hosted?.stage === "retired";
  const hasKey = status !== undefined && status.keys.length > 0;
  const missing = hosted && !isRetired ? lacking(draft, hosted) : draft.prompt.trim() ? [] : ["a prompt"];
  const { estimate, isCurrent } = useEstimate(
    draft,
    isRetired ? undefined : hosted,
    hasKey && missing.every((part) => part === "a prompt"),
  );
  const errors = { ...(lacksMask(estimate.error) ? {} : fieldErrors(estimate.error)), ...fieldErrors(error) };
  const counts = COUNTS.includes(String(draft.count)) ? COUNTS : [...COUNTS, String(draft.count)];
  const choose = (next: Choice | null) => next && update((old) => moved(old, choice, next));
  const canGenerate =
    missing.length === 0 && (hosted ? !isRetired && hasKey && isCurrent : local !== undefined);
  const send = () => canGenerate && !isSending && onGenerate();

  return (
    <section className={classes.composer} aria-label="What to make">
      {(!hosted || takesPrompt(hosted) || isRetired) && (
        <PromptField
          prompt={draft.prompt}
          trigger={triggerOf(choice)}
          prompts={local?.prompts ?? []}
          error={errors.prompt}
          onChange={(prompt) => update({ prompt })}
          onSubmit={send}
        />
      )}
      <div className={classes.go}>
        <Button
          variant="primary"
          size="md"
          fullWidth
          // A button that is switched off while it works would lose the focus.
          leftSection={isSending ? <Loader size={16} color="currentColor" /> : <Sparkles size={17} />}
          disabled={!canGenerate}
          aria-busy={isSending}
          onClick={send}
        >
          Generate
        </Button>
        {hosted &&
          !isRetired &&
          hasKey &&
          (missing.every((part) => part === "a prompt") ? (
            <Price estimate={estimate} count={draft.count} />
          ) : (
            <p className="dim small">Still needs {missing.join(", ")}.</p>
          ))}
      </div>
      <QuotaLine names={hosted ? ["images_per_day", "hosted_usd_per_month"] : ["images_per_day"]} />
      {error !== null && <ErrorState error={error} />}
      <ModelPicker label="Model" value={choice} onChange={choose} />
      {hosted && !isRetired && hosted.description && (
        <p className={classes.about}>
          {hosted.description} {hosted.note}
        </p>
      )}
      {isRetired && <Retired model={hosted} onUse={(model) => choose({ kind: "hosted", model })} />}
      {hosted && !isRetired && status && !hasKey && <NoKey />}
      {local && <LocalFields draft={draft} update={update} model={local} errors={errors} />}
      {hosted && !isRetired && (
        <HostedFields {...{ draft, update, errors, chooser }} model={hosted} keys={status?.keys ?? []} />
      )}
      {!isRetired && (
        <div className={classes.pair}>
          {flags.includes("batch-generation") && (
            <Input.Wrapper label="Images" labelElement="div">
              <SegmentedControl
                fullWidth
                size="sm"
                aria-label="Images"
                data={counts}
                value={String(draft.count)}
                onChange={(count) => update({ count: Number(count) })}
              />
            </Input.Wrapper>
          )}
          {(!hosted || hosted.has_seed) && (
            <NumberInput
              label="Seed"
              placeholder="Random"
              value={draft.seed ?? ""}
              error={errors.seed}
              min={0}
              max={4294967295}
              allowDecimal={false}
              hideControls
              onChange={(seed) => update({ seed: seed === "" ? null : Number(seed) })}
            />
          )}
        </div>
      )}
      {schema && local && flags.includes("advanced-parameters") && (
        <SchemaForm
          schema={schema}
          values={draft.settings}
          usual={{ steps: local.defaults.steps, guidance: local.defaults.guidance }}
          errors={errors}
          except={["seed"]}
          onChange={(settings) => update({ settings })}
        />
      )}
      {hosted && !isRetired && <HostedSettings {...{ draft, update, errors }} model={hosted} />}
    </section>
  );
}
