import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";

import { lossQuery, validationQuery } from "@/api/queries";
import { Empty } from "@/components/Empty";
import { compactNumber } from "@/components/format";
import { Loaded } from "@/components/Loaded";

import { StepChart } from "./StepChart";
import { curveOf, validationWords } from "./thinned";

const LOSS = [
  { name: "loss", label: "Each step", color: "var(--ink-3)" },
  { name: "smoothed", label: "Smoothed", color: "var(--accent)" },
];
const VALIDATION = { name: "validation", label: "Validation", color: "var(--accent-2)" };

/** How far off the model still is, step by step; the smoothed line is the one to watch. */
export function LossChart({ finetuneId }: { finetuneId: string }) {
  const query = useQuery(lossQuery(finetuneId));
  const validation = useQuery(validationQuery(finetuneId)).data;
  const checks = useMemo(() => validation ?? [], [validation]);
  const points = useMemo(() => curveOf(query.data ?? [], checks), [query.data, checks]);
  const base = checks.at(-1)?.base_loss ?? null;
  const words = validationWords(checks, compactNumber);
  const steps = query.data ?? [];
  return (
    <Loaded query={query} skeleton={<div style={{ height: 240 }} />}>
      {() =>
        steps.length < 2 ? (
          <Empty title="The curve begins with the first steps" compact>
            It shows how far off the model still is. It falls quickly at first, then slowly.
          </Empty>
        ) : (
          <figure>
            <figcaption className="visually-hidden">
              Loss from step {steps[0].step} to {steps.at(-1)?.step}; smoothed it went from{" "}
              {compactNumber(steps[0].smoothed)} to {compactNumber(steps.at(-1)?.smoothed ?? 0)}.
            </figcaption>
            <StepChart
              data={points}
              series={checks.length ? [...LOSS, VALIDATION] : LOSS}
              faint="loss"
              dotted="validation"
              format={compactNumber}
              reference={base === null ? undefined : { y: base, label: "Untouched base" }}
            />
            {words && (
              <p className="dim small num" style={{ marginTop: 8 }}>
                {words}
              </p>
            )}
          </figure>
        )
      }
    </Loaded>
  );
}
