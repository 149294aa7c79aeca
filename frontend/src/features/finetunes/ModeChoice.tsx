import { Radio } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Shapes } from "lucide-react";

import { samplesQuery } from "@/api/queries";
import { ChoiceCard } from "@/components/ChoiceCard";

import { MODES, type Draft } from "./draft";
import classes from "./NewFinetune.module.css";

/** What are you teaching? Each with an image of good training data. */
export function ModeChoice({ value, onChange }: { value: string; onChange: (mode: Draft["mode"]) => void }) {
  const samples = useQuery(samplesQuery).data ?? [];
  return (
    <Radio.Group
      value={value}
      onChange={(mode) => onChange(mode as Draft["mode"])}
      role="group"
      aria-label="What are you teaching?"
    >
      <div className={classes.choices} data-columns="4">
        {MODES.map(({ value: mode, title, what }) => {
          const sample = samples.find((one) => one.mode === mode);
          return (
            <ChoiceCard
              key={mode}
              value={mode}
              title={title}
              art={sample ? <img src={sample.cover_url} alt="" /> : <Shapes size={30} strokeWidth={1.3} />}
            >
              {what}
            </ChoiceCard>
          );
        })}
      </div>
    </Radio.Group>
  );
}
