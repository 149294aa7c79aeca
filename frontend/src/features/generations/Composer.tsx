import { Button, Input, NumberInput, SegmentedControl, Select, Slider } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Sparkles } from "lucide-react";

import type { Model } from "@/api/generated";
import { fieldErrors } from "@/api/problem";
import { generationSchemaQuery } from "@/api/queries";
import { AspectPicker } from "@/components/AspectPicker";
import { ErrorState } from "@/components/ProblemCard";
import { SchemaForm } from "@/components/schema-form/SchemaForm";
import { sizeFor } from "@/components/shapes";

import classes from "./Create.module.css";
import { withTrigger, type Draft } from "./draft";
import { ModelPicker } from "./ModelPicker";
import { PromptField } from "./PromptField";

interface ComposerProps {
  draft: Draft;
  update: (by: Partial<Draft>) => void;
  models: Model[];
  model: Model | undefined;
  error: unknown;
  isSending: boolean;
  onGenerate: () => void;
}

const COUNTS = ["1", "2", "4", "8"];

/** What is asked for, quietest settings last. */
export function Composer({ draft, update, models, model, error, isSending, onGenerate }: ComposerProps) {
  const schema = useQuery(generationSchemaQuery).data;
  const errors = fieldErrors(error);
  const size = model && sizeFor(draft.shape, model.defaults);
  const counts = COUNTS.includes(String(draft.count)) ? COUNTS : [...COUNTS, String(draft.count)];
  const choose = (id: string) => {
    const next = models.find((one) => one.id === id);
    update({
      model_id: id,
      version_id: "",
      prompt: draft.prompt.trim()
        ? withTrigger(draft.prompt, next?.trigger_word ?? "", model?.trigger_word)
        : draft.prompt,
    });
  };
  const canGenerate = Boolean(model?.is_ready && draft.prompt.trim());

  return (
    <section className={classes.composer} aria-label="What to make">
      <PromptField
        prompt={draft.prompt}
        model={model}
        error={errors.prompt}
        onChange={(prompt) => update({ prompt })}
        onSubmit={() => canGenerate && onGenerate()}
      />
      <Button
        variant="primary"
        size="md"
        fullWidth
        leftSection={<Sparkles size={17} />}
        disabled={!canGenerate}
        loading={isSending}
        onClick={onGenerate}
      >
        Generate
      </Button>
      {error !== null && <ErrorState error={error} />}
      <ModelPicker models={models} value={model?.id ?? ""} onChange={choose} />
      {model && model.versions.length > 1 && (
        <Select
          label="Version"
          data={model.versions.map(({ id, step }) => ({
            value: id,
            label: `Step ${step}${id === model.default_version_id ? " (used by default)" : ""}`,
          }))}
          value={model.versions.find(({ id }) => id === draft.version_id)?.id ?? model.default_version_id}
          onChange={(version_id) => update({ version_id: version_id ?? "" })}
          allowDeselect={false}
        />
      )}
      {model?.kind === "finetuned" && (
        <Input.Wrapper
          label="Strength"
          description="0 is the untouched base, 1 as trained"
          labelElement="div"
        >
          <div className={classes.strength}>
            <Slider
              thumbLabel="Strength"
              min={0}
              max={2}
              step={0.05}
              value={draft.strength}
              onChange={(strength) => update({ strength })}
              marks={[{ value: 0 }, { value: 1 }, { value: 2 }]}
              label={null}
              style={{ flex: 1 }}
            />
            <output className="num">{draft.strength.toFixed(2)}</output>
          </div>
        </Input.Wrapper>
      )}
      <div>
        <AspectPicker value={draft.shape} onChange={(shape) => update({ shape })} />
        {size && (
          <p className={classes.size}>
            {size.width} × {size.height} px
          </p>
        )}
      </div>
      <div className={classes.pair}>
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
      </div>
      {schema && model && (
        <SchemaForm
          schema={schema}
          values={draft.settings}
          usual={{ steps: model.defaults.steps, guidance: model.defaults.guidance }}
          errors={errors}
          except={["seed"]}
          onChange={(settings) => update({ settings })}
        />
      )}
    </section>
  );
}
