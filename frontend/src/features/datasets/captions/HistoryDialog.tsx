import { Button, Modal } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Redo2, Undo2 } from "lucide-react";
import { useState } from "react";

import type { CaptionStep } from "@/api/generated";
import { ago, countOf } from "@/components/format";
import { Loaded } from "@/components/Loaded";
import { useMayChange } from "@/components/may/May";
import { toastGood, toastProblem } from "@/components/undo";

import { saidOf } from "./actions";
import type { DialogProps } from "./CaptionBar";
import classes from "./CaptionBar.module.css";
import { stepsQuery } from "./queries";

const STATES: Partial<Record<CaptionStep["state"], string>> = {
  writing: "being written",
  undone: "undone",
  dropped: "undone",
  empty: "nothing written",
};

/** Every change to many captions, newest first; undone and done again in turn. */
export function HistoryDialog({ dataset, actions, isOpen, onClose }: DialogProps) {
  const steps = useQuery(stepsQuery(dataset.id));
  const [busy, setBusy] = useState(false);
  const mayChange = useMayChange();
  const run = async (what: "undo" | "redo", id: string) => {
    setBusy(true);
    try {
      toastGood(saidOf(await actions[what](id)));
    } catch (problem) {
      toastProblem(problem);
    }
    setBusy(false);
  };
  return (
    <Modal opened={isOpen} onClose={onClose} title="History of the captions" size="lg">
      <Loaded query={steps} skeleton={<p className="dim small">Loading…</p>}>
        {({ steps: list, undo_id, redo_id }) =>
          list.length === 0 ? (
            <p className="dim">
              Every change to many captions will stand here and can be undone. What one caption was before
              stands at its image.
            </p>
          ) : (
            <ul className={classes.steps}>
              {list.map((step) => (
                <li key={step.id} data-state={step.state}>
                  <span className={classes.stepText}>
                    <span className={classes.stepTitle}>{step.title}</span>
                    <span className="dim small num">
                      {[countOf(step.changed_count, "caption"), ago(step.created_at), STATES[step.state]]
                        .filter(Boolean)
                        .join(" · ")}
                    </span>
                  </span>
                  {mayChange && step.id === undo_id && (
                    <Button
                      size="xs"
                      variant="default"
                      leftSection={<Undo2 size={14} />}
                      loading={busy}
                      onClick={() => void run("undo", step.id)}
                    >
                      Undo
                    </Button>
                  )}
                  {mayChange && step.id === redo_id && (
                    <Button
                      size="xs"
                      variant="default"
                      leftSection={<Redo2 size={14} />}
                      loading={busy}
                      onClick={() => void run("redo", step.id)}
                    >
                      Do again
                    </Button>
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Modal>
  );
}
