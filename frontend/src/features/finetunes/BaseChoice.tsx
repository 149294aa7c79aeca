import { Radio } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import { CircleCheck, CircleX } from "lucide-react";

import type { FinetunePlan, Model } from "@/api/generated";
import { planQuery } from "@/api/queries";
import { ChoiceCard } from "@/components/ChoiceCard";
import { bytesRange, durationRange } from "@/components/format";

import { asPlan, type Draft } from "./draft";
import classes from "./NewFinetune.module.css";

function Fits({ base, plan, isRefused }: { base: Model; plan?: FinetunePlan; isRefused: boolean }) {
  if (!base.is_ready) {
    return (
      <span className={classes.fits}>
        <CircleX size={14} aria-hidden className="warn" /> Not here yet
      </span>
    );
  }
  if (!plan)
    return <span className="dim">{isRefused ? "A setting needs correcting first" : "Estimating…"}</span>;
  return (
    <>
      <span className={classes.fits}>
        {plan.fits ? (
          <CircleCheck size={14} aria-hidden className="good" />
        ) : (
          <CircleX size={14} aria-hidden className="bad" />
        )}
        {plan.fits ? "Fits this computer" : "Does not fit this computer"}
      </span>
      <span className="dim">
        {durationRange(plan.seconds)} · {bytesRange(plan.memory_bytes)} of memory
      </span>
    </>
  );
}

/** Where to train: each base with whether it fits, and what it would take. */
export function BaseChoice({
  bases,
  draft,
  onChange,
}: {
  bases: Model[];
  draft: Draft;
  onChange: (base: string) => void;
}) {
  const plans = useQueries({
    queries: bases.map((base) => planQuery(asPlan({ ...draft, base: base.id }))),
  });
  return (
    <Radio.Group value={draft.base} onChange={onChange} aria-label="Where to train">
      <div className={classes.choices} data-columns="3">
        {bases.map((base, index) => (
          <ChoiceCard
            key={base.id}
            value={base.id}
            title={base.name}
            note={
              <span className={classes.note}>
                {<Fits base={base} plan={plans[index]?.data} isRefused={plans[index]?.isError ?? false} />}
              </span>
            }
          >
            {base.description}
            {!base.is_ready && base.missing && <span className={classes.missing}>{base.missing}</span>}
          </ChoiceCard>
        ))}
      </div>
    </Radio.Group>
  );
}
