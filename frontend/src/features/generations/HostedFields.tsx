import { Select } from "@mantine/core";

import type { HostedKey, HostedModel } from "@/api/generated";
import { SchemaForm } from "@/components/schema-form/SchemaForm";

import type { Draft } from "./draft";
import { canBeAutomatic, formOf, limitsOf, placesOf, shapedBy, sizeOf, valuesFor } from "./hosted";
import { ImagePlaces, type Chooser } from "./ImagePlaces";
import { SizeFields } from "./SizeFields";
import { useFinetunes } from "./useFinetunes";

export interface HostedFieldsProps {
  draft: Draft;
  update: (by: Partial<Draft> | ((old: Draft) => Partial<Draft>)) => void;
  model: HostedModel;
  keys: HostedKey[];
  errors: Record<string, string>;
  chooser: Chooser;
}

/** What a hosted model is asked for besides the prompt: images and shape have places of their own. */
export function HostedFields({ draft, update, model, keys, errors, chooser }: HostedFieldsProps) {
  const places = placesOf(model);
  const by = shapedBy(model);
  const withAuto = canBeAutomatic(model);
  const isOther =
    by === "ratio" ? "aspect_ratio" in draft.parameters : by === "pixels" && draft.size !== null;
  const shape = draft.shape === "auto" && !withAuto ? "1:1" : draft.shape;
  return (
    <>
      {places.length > 0 && (
        <ImagePlaces
          places={places}
          images={draft.images}
          errors={errors}
          onChange={(change) => update((old) => ({ images: change(old.images) }))}
          chooser={chooser}
        />
      )}
      {by !== null && (
        <SizeFields
          shape={isOther ? null : shape}
          withAuto={withAuto}
          size={by === "pixels" ? sizeOf(draft, model) : undefined}
          limits={by === "pixels" ? limitsOf(model) : undefined}
          errors={errors}
          onShape={(next) => {
            const { aspect_ratio: _other, ...parameters } = draft.parameters;
            update({ shape: next, size: null, parameters });
          }}
          onSize={(size) => update({ size })}
        />
      )}
      {keys.length > 1 && (
        <Select
          label="Paid with"
          data={keys.map(({ name }) => name)}
          value={keys.some(({ name }) => name === draft.key_name) ? draft.key_name : keys[0].name}
          onChange={(key_name) => update({ key_name: key_name ?? "" })}
          allowDeselect={false}
        />
      )}
    </>
  );
}

/** The rest of a hosted model's own form: what everyone must choose, then the fold. */
export function HostedSettings({
  draft,
  update,
  model,
  errors,
}: Pick<HostedFieldsProps, "draft" | "update" | "model" | "errors">) {
  const finetunes = useFinetunes(model, draft.key_name);
  return (
    <SchemaForm
      schema={formOf(model)}
      suggestions={{ finetune_id: finetunes }}
      values={valuesFor(model, draft.parameters)}
      usual={{}}
      errors={errors}
      withBasics
      onChange={(values) =>
        update((old) => {
          const mine = Object.keys(valuesFor(model, old.parameters));
          const others = Object.entries(old.parameters).filter(([name]) => !mine.includes(name));
          return { parameters: { ...Object.fromEntries(others), ...values } };
        })
      }
    />
  );
}
