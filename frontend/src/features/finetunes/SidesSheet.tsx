import { useState } from "react";

import type { ComparedFinetune, SampleCell } from "@/api/generated";
import { Empty } from "@/components/Empty";
import { Lightbox } from "@/components/Lightbox";
import { Picture } from "@/components/Picture";

import classes from "./Compare.module.css";

const lastStep = (side: ComparedFinetune) => side.samples.steps.at(-1) ?? 0;
const standing = (letter: string, side: ComparedFinetune) =>
  side.samples.cells.length ? `${letter} at step ${lastStep(side)}.` : `${letter} has no samples.`;
const cellOf = (side: ComparedFinetune, row: number): SampleCell | undefined =>
  side.samples.cells.find((cell) => cell.row === row && cell.step === lastStep(side));

/** The newest samples of both, prompt by prompt. */
export function SidesSheet({ a, b }: { a: ComparedFinetune; b: ComparedFinetune }) {
  const [shown, setShown] = useState<{ cell: SampleCell; prompt: string; title: string } | null>(null);
  const rows = Math.max(a.samples.prompts.length, b.samples.prompts.length);
  if (a.samples.cells.length + b.samples.cells.length === 0)
    return (
      <Empty title="No samples yet" compact>
        Samples of both appear here, prompt by prompt.
      </Empty>
    );
  return (
    <>
      <p className="dim small" style={{ marginBottom: 10 }}>
        {[a, b].map((side, index) => standing(index === 0 ? "A" : "B", side)).join(" ")}
      </p>
      <ul className={classes.pairs}>
        {Array.from({ length: rows }, (_, row) => (
          <li key={row}>
            {[a, b].map((side, index) => {
              const letter = index === 0 ? "A" : "B";
              const cell = cellOf(side, row);
              const prompt = side.samples.prompts[row] ?? "";
              return (
                <div key={letter}>
                  {cell ? (
                    <button
                      type="button"
                      className={classes.cell}
                      aria-label={`${letter}: ${prompt}`}
                      onClick={() => setShown({ cell, prompt, title: `${letter} · step ${cell.step}` })}
                    >
                      <Picture image={cell.image} alt="" show={240} />
                    </button>
                  ) : (
                    <span className={classes.none} />
                  )}
                  <p className="dim small">
                    {letter} · {prompt || "no such prompt"}
                    {prompt && !cell && ", not drawn"}
                  </p>
                </div>
              );
            })}
          </li>
        ))}
      </ul>
      <Lightbox
        image={shown?.cell.image ?? null}
        alt={shown?.prompt ?? ""}
        title={shown?.title ?? "Sample"}
        onClose={() => setShown(null)}
      >
        <p>{shown?.prompt}</p>
      </Lightbox>
    </>
  );
}
