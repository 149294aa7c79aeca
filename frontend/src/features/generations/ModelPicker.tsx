import { Select } from "@mantine/core";
import { Check } from "lucide-react";

import type { Model } from "@/api/generated";
import { Picture } from "@/components/Picture";

import classes from "./Create.module.css";

function Thumb({ model }: { model: Model | undefined }) {
  return (
    <span className={classes.thumb}>
      {model?.cover && <Picture image={model.cover} alt="" fit="square" show={32} />}
    </span>
  );
}

export function ModelPicker({
  models,
  value,
  onChange,
}: {
  models: Model[];
  value: string;
  onChange: (id: string) => void;
}) {
  const byId = new Map(models.map((model) => [model.id, model]));
  const option = ({ id, name, is_ready }: Model) => ({ value: id, label: name, disabled: !is_ready });
  const finetuned = models.filter(({ kind }) => kind === "finetuned");
  const bases = models.filter(({ kind }) => kind === "base");
  return (
    <Select
      label="Model"
      data={[
        ...(finetuned.length ? [{ group: "Yours", items: finetuned.map(option) }] : []),
        { group: "Bases", items: bases.map(option) },
      ]}
      value={value || null}
      onChange={(id) => id && onChange(id)}
      allowDeselect={false}
      searchable={models.length > 8}
      leftSection={<Thumb model={byId.get(value)} />}
      leftSectionWidth={42}
      renderOption={({ option: { value: id, label }, checked }) => {
        const model = byId.get(id);
        return (
          <span className={classes.option}>
            <Thumb model={model} />
            <span className="clip" style={{ flex: 1 }}>
              {label}
              {model && !model.is_ready && <span className="dim"> – not here yet</span>}
            </span>
            {checked && <Check size={14} aria-hidden />}
          </span>
        );
      }}
    />
  );
}
