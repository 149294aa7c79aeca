import { Radio } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";

import { planQuery } from "@/api/queries";
import { ChoiceCard } from "@/components/ChoiceCard";
import { durationRange } from "@/components/format";

import { asPlan, QUALITIES, type Draft } from "./draft";
import classes from "./NewFinetune.module.css";

/** How good: three lengths, each with the time it takes here. */
export function QualityChoice({
  draft,
  onChange,
}: {
  draft: Draft;
  onChange: (quality: Draft["quality"]) => void;
}) {
  const plans = useQueries({
    queries: QUALITIES.map(({ value }) => planQuery(asPlan({ ...draft, quality: value }))),
  });
  return (
    <Radio.Group
      value={draft.quality}
      onChange={(quality) => onChange(quality as Draft["quality"])}
      role="group"
      aria-label="How good"
    >
      <div className={classes.choices} data-columns="3">
        {QUALITIES.map(({ value, title, what }, index) => {
          const plan = plans[index]?.data;
          return (
            <ChoiceCard
              key={value}
              value={value}
              title={title}
              note={
                plan ? (
                  <span className={classes.time}>
                    {!plan.server && `${durationRange(plan.seconds)} `}
                    <span className="dim">
                      {!plan.server && "· "}
                      {plan.recipe.steps} steps
                    </span>
                  </span>
                ) : (
                  <span className="dim">&nbsp;</span>
                )
              }
            >
              {what}
            </ChoiceCard>
          );
        })}
      </div>
    </Radio.Group>
  );
}
