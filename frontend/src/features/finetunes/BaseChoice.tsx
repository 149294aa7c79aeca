import { Radio } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import { CircleCheck, CircleX } from "lucide-react";

import type { BaseEntry, FinetunePlan } from "@/api/generated";
import { planQuery } from "@/api/queries";
import { BaseList } from "@/components/bases/BaseList";
import { ChoiceCard } from "@/components/ChoiceCard";
import { bytesRange, diskBytes, durationRange } from "@/components/format";
import { Fold } from "@/components/schema-form/SchemaForm";

import { asPlan, type Draft } from "./draft";
import classes from "./NewFinetune.module.css";

function Fits({ plan, isRefused }: { plan?: FinetunePlan; isRefused: boolean }) {
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

/** Where to train: each base that is here with whether it fits and what it would take; the others with how to get them. */
export function BaseChoice({
  bases,
  draft,
  onChange,
}: {
  bases: BaseEntry[];
  draft: Draft;
  onChange: (base: string) => void;
}) {
  const ready = bases.filter((base) => base.is_ready && base.training !== "no");
  const absent = bases.filter((base) => !base.is_ready && base.training === "yes");
  const plans = useQueries({
    queries: ready.map((base) => planQuery(asPlan({ ...draft, base: base.name }))),
  });
  return (
    <>
      <Radio.Group value={draft.base} onChange={onChange} role="group" aria-label="Where to train">
        <div className={classes.choices} data-columns={Math.min(3, ready.length)}>
          {ready.map((base, index) => (
            <ChoiceCard
              key={base.name}
              value={base.name}
              title={base.title}
              note={
                <span className={classes.note}>
                  {draft.dataset_id && (
                    <Fits plan={plans[index]?.data} isRefused={plans[index]?.isError ?? false} />
                  )}
                  <span className="dim">
                    {base.licence} · {diskBytes(base.size_bytes)}
                  </span>
                </span>
              }
            >
              {base.description}
              {base.training === "discouraged" && base.training_note && (
                <span className={classes.missing}>{base.training_note}</span>
              )}
            </ChoiceCard>
          ))}
        </div>
      </Radio.Group>
      {absent.length > 0 && (
        <div className={classes.absent}>
          <Fold title={`${absent.length} more, not here yet`}>
            <BaseList bases={absent} all={bases} label="Bases that are not here yet" />
          </Fold>
        </div>
      )}
    </>
  );
}
