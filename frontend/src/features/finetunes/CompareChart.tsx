import { useMemo } from "react";

import type { ComparedFinetune } from "@/api/generated";
import { compactNumber } from "@/components/format";

import { StepChart } from "./StepChart";
import { thinned, validationWords } from "./thinned";

/** Smoothed losses of two runs over the same steps; validation is the fairer figure where both have it. */
export function CompareChart({ a, b }: { a: ComparedFinetune; b: ComparedFinetune }) {
  const points = useMemo(() => {
    const at = new Map<number, { step: number; a?: number; b?: number }>();
    for (const { step, smoothed } of thinned(a.loss)) at.set(step, { step, a: smoothed });
    for (const { step, smoothed } of thinned(b.loss))
      at.set(step, { ...(at.get(step) ?? { step }), b: smoothed });
    return [...at.values()].sort((one, two) => one.step - two.step);
  }, [a.loss, b.loss]);
  const words = [validationWords(a.validation, compactNumber), validationWords(b.validation, compactNumber)];
  const last = (side: ComparedFinetune) => compactNumber(side.loss.at(-1)?.smoothed ?? 0);
  if (a.loss.length < 2 && b.loss.length < 2) return <p className="dim">Neither has been trained yet.</p>;
  return (
    <figure>
      <figcaption className="visually-hidden">
        Smoothed loss ended at {last(a)} for A and at {last(b)} for B.
      </figcaption>
      <StepChart
        data={points}
        series={[
          { name: "a", label: `A · ${a.finetune.name}`, color: "var(--accent)" },
          { name: "b", label: `B · ${b.finetune.name}`, color: "var(--accent-2)" },
        ]}
        format={compactNumber}
      />
      {words.map(
        (sentence, index) =>
          sentence && (
            <p key={index} className="dim small num" style={{ marginTop: 8 }}>
              {index === 0 ? "A" : "B"}: {sentence}
            </p>
          ),
      )}
    </figure>
  );
}
