import { RangeSlider, Select, TagsInput, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";

import type { Model, ModelUpdate } from "@/api/generated";

import { useMayChange } from "@/components/may/May";

import classes from "./Models.module.css";

const RIGHTS: { value: Model["data_rights"]; label: string }[] = [
  { value: "unknown", label: "Nobody has said" },
  { value: "own", label: "They are mine" },
  { value: "licensed", label: "Licensed for any use" },
  { value: "restricted", label: "Not for sale" },
];

interface DetailsProps {
  model: Model;
  onSave: (change: ModelUpdate) => void;
}

/** Text that is kept when its field is left. */
function useText(value: string, onSave: (text: string) => void) {
  const [typed, setTyped] = useState<string | null>(null);
  return {
    value: typed ?? value,
    onChange: (event: { currentTarget: { value: string } }) => setTyped(event.currentTarget.value),
    onBlur: () => {
      if (typed !== null && typed.trim() !== value) onSave(typed.trim());
      setTyped(null);
    },
  };
}

function Strengths({ model, onSave }: DetailsProps) {
  const mayChange = useMayChange();
  const [moved, setMoved] = useState<[number, number] | null>(null);
  return (
    <div className={classes.strength}>
      <span className="small" style={{ fontWeight: 500 }}>
        Strengths that look good
      </span>
      <RangeSlider
        mt={6}
        min={0}
        max={2}
        step={0.05}
        minRange={0}
        disabled={!mayChange}
        value={moved ?? [model.least_strength, model.most_strength]}
        thumbFromLabel="Least strength"
        thumbToLabel="Greatest strength"
        marks={[
          { value: 0, label: "0" },
          { value: 1, label: "1" },
          { value: 2, label: "2" },
        ]}
        onChange={setMoved}
        onChangeEnd={([least_strength, most_strength]) => {
          onSave({ least_strength, most_strength });
          setMoved(null);
        }}
      />
    </div>
  );
}

/** What people say of a model: tags, prompts, strengths, whose images it learned. */
export function Details({ model, onSave }: DetailsProps) {
  const prompts = useText(model.prompts.join("\n"), (text) =>
    onSave({ prompts: text.split("\n").filter((line) => line.trim()) }),
  );
  const licence = useText(model.data_licence, (data_licence) => onSave({ data_licence }));
  return (
    <>
      <TagsInput
        label="Tags"
        placeholder={model.tags.length ? undefined : "Type and press Enter"}
        value={model.tags}
        maxTags={20}
        onChange={(tags) => onSave({ tags: tags.map((tag) => tag.trim().toLowerCase().slice(0, 40)) })}
      />
      <Textarea
        label="Example prompts"
        description="One a line."
        autosize
        minRows={2}
        maxRows={10}
        {...prompts}
      />
      <Strengths model={model} onSave={onSave} />
      <Select
        label="The images it learned"
        data={RIGHTS}
        value={model.data_rights}
        allowDeselect={false}
        onChange={(value) => value && onSave({ data_rights: value })}
      />
      <TextInput label="Their licence or source" maxLength={500} {...licence} />
    </>
  );
}
