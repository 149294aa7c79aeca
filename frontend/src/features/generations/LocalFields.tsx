import { Input, Select, Slider } from "@mantine/core";

import type { Model } from "@/api/generated";
import { sizeFor } from "@/components/shapes";

import classes from "./Create.module.css";
import type { Draft } from "./draft";
import { SizeFields } from "./SizeFields";

interface LocalFieldsProps {
  draft: Draft;
  update: (by: Partial<Draft>) => void;
  model: Model;
  errors: Record<string, string>;
}

/** What a model of this studio is asked for besides the prompt. */
export function LocalFields({ draft, update, model, errors }: LocalFieldsProps) {
  const { max_width, max_height } = model.defaults;
  const limits = { least: 64, most: Math.max(max_width, max_height), grid: 16 };
  return (
    <>
      {model.versions.length > 1 && (
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
      {model.kind === "finetuned" && (
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
      <SizeFields
        shape={draft.size ? null : draft.shape === "auto" ? "1:1" : draft.shape}
        size={draft.size ?? sizeFor(draft.shape, model.defaults)}
        limits={limits}
        errors={errors}
        onShape={(shape) => update({ shape, size: null })}
        onSize={(size) => update({ size })}
      />
    </>
  );
}
