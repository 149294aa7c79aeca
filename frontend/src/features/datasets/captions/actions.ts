import { useQueryClient } from "@tanstack/react-query";

import { call } from "@/api/call";
import {
  applyCaptionStep,
  cancelCaptions,
  redoCaptionStep,
  startCaptions,
  undoCaptionStep,
  type CaptionJobCreate,
  type CaptionStepCreate,
  type StepRestored,
} from "@/api/generated";
import { countOf } from "@/components/format";
import { toastGood, toastUndo } from "@/components/undo";

/** What undo or redo did, in a sentence. */
export function saidOf({ changed_count, kept_count }: StepRestored): string {
  const changed = `${countOf(changed_count, "caption")} changed back`;
  return kept_count > 0
    ? `${changed}; ${kept_count} changed since ${kept_count === 1 ? "stays as it is" : "stay as they are"}.`
    : `${changed}.`;
}

/** What a user does to many captions; `refresh` shows what became of them. */
export function useCaptionActions(datasetId: string, refresh: () => Promise<unknown>) {
  const client = useQueryClient();
  const path = { dataset_id: datasetId };
  const again = async () => {
    await refresh();
    await client.invalidateQueries({ queryKey: ["dataset", datasetId, "captions"] });
  };

  const undo = async (stepId?: string) => {
    const done = await call(undoCaptionStep({ path, body: { step_id: stepId } }));
    await again();
    return done;
  };
  const redo = async (stepId?: string) => {
    const done = await call(redoCaptionStep({ path, body: { step_id: stepId } }));
    await again();
    return done;
  };
  const apply = async (body: CaptionStepCreate) => {
    const step = await call(applyCaptionStep({ path, body }));
    await again();
    if (step.changed_count === 0) {
      toastGood("No caption had to be changed.");
      return;
    }
    toastUndo(`${step.title}: ${countOf(step.changed_count, "caption")} changed.`, async () => {
      toastGood(saidOf(await undo(step.id)));
    });
  };
  const start = async (body: CaptionJobCreate) => {
    await call(startCaptions({ path, body }));
    await client.invalidateQueries({ queryKey: ["jobs"] });
    await client.invalidateQueries({ queryKey: ["dataset", datasetId, "captions"] });
  };
  const cancel = async () => {
    await call(cancelCaptions({ path }));
    await client.invalidateQueries({ queryKey: ["jobs"] });
    await again();
  };
  return { apply, undo, redo, start, cancel, again };
}

export type CaptionActions = ReturnType<typeof useCaptionActions>;
