import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import type { Finetune, SampleCell } from "@/api/generated";
import { sampleSheetQuery } from "@/api/queries";
import { Empty } from "@/components/Empty";
import { Lightbox } from "@/components/Lightbox";
import { Loaded } from "@/components/Loaded";
import { Picture } from "@/components/Picture";

import classes from "./SampleSheet.module.css";

const stepName = (step: number) => (step === 0 ? "Base" : `Step ${step}`);

/** The same prompts, drawn again and again while it learns: rows prompts, columns steps. */
export function SampleSheet({ run }: { run: Finetune }) {
  const finetuneId = run.id;
  const isDrawing = run.state === "running" && run.phase.startsWith("sampling");
  const query = useQuery(sampleSheetQuery(finetuneId));
  const [shown, setShown] = useState<{ row: number; step: number } | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const columns = query.data?.steps.length ?? 0;
  useEffect(() => {
    if (scroller.current) scroller.current.scrollLeft = scroller.current.scrollWidth;
  }, [columns]);

  return (
    <Loaded query={query} skeleton={<div style={{ height: 200 }} />}>
      {({ prompts, steps, cells }) => {
        if (prompts.length === 0) {
          return (
            <Empty title="No samples" compact>
              This run draws none, as its recipe says.
              {run.state === "running" && " “Sample now” draws a row at any time."}
            </Empty>
          );
        }
        if (cells.length === 0) {
          return (
            <Empty title="Samples appear here" compact>
              The same prompts are drawn with the untouched base first, then again and again while it learns.
            </Empty>
          );
        }
        const at = (row: number, step: number): SampleCell | undefined =>
          cells.find((cell) => cell.row === row && cell.step === step);
        const current = shown && at(shown.row, shown.step);
        const index = shown ? steps.indexOf(shown.step) : -1;
        const go = (by: number) => {
          const step = steps[index + by];
          return shown && step !== undefined && at(shown.row, step)
            ? () => setShown({ row: shown.row, step })
            : undefined;
        };
        return (
          <>
            <div className={classes.scroll} ref={scroller}>
              <table className={classes.sheet}>
                <thead>
                  <tr>
                    <th scope="col">Prompt</th>
                    {steps.map((step) => (
                      <th key={step} scope="col">
                        {stepName(step)}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {prompts.map((prompt, row) => (
                    <tr key={row}>
                      <th scope="row">{prompt}</th>
                      {steps.map((step) => {
                        const cell = at(row, step);
                        return (
                          <td key={step}>
                            {cell ? (
                              <button
                                type="button"
                                className={classes.cell}
                                onClick={() => setShown({ row, step })}
                                aria-label={`${prompt}, ${stepName(step).toLowerCase()}`}
                              >
                                <Picture image={cell.image} alt="" show={160} />
                              </button>
                            ) : (
                              <span className={classes.waiting} data-drawing={isDrawing || undefined} />
                            )}
                          </td>
                        );
                      })}
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <Lightbox
              image={current?.image ?? null}
              alt={shown ? prompts[shown.row] : ""}
              title={shown ? stepName(shown.step) : "Sample"}
              onClose={() => setShown(null)}
              onPrevious={go(-1)}
              onNext={go(1)}
            >
              {shown && <p>{prompts[shown.row]}</p>}
              <p className="dim small">Arrow keys go through the steps.</p>
            </Lightbox>
          </>
        );
      }}
    </Loaded>
  );
}
