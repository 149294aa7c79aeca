import { useMutation, useQueryClient } from "@tanstack/react-query";

import { call } from "@/api/call";
import {
  cancelFinetune,
  deleteFinetune,
  extendFinetune,
  pauseFinetune,
  restoreFinetune,
  restartFinetune,
  resumeFinetune,
  sampleFinetune,
  saveFinetune,
  stopFinetune,
  type Finetune,
  type FinetuneRestart,
} from "@/api/generated";
import { finetuneQuery } from "@/api/queries";
import { toastGood, toastProblem, toastUndo } from "@/components/undo";

const CALLS = {
  stop: stopFinetune,
  pause: pauseFinetune,
  resume: resumeFinetune,
  cancel: cancelFinetune,
  sample: sampleFinetune,
  save: saveFinetune,
} as const;
export type RunAction = keyof typeof CALLS;

/** Said where nothing on the page changes at once. */
const SAID: Partial<Record<RunAction, string>> = {
  sample: "Samples are drawn after this step.",
  save: "A checkpoint is saved after this step.",
};

export function useRunActions(finetuneId: string) {
  const client = useQueryClient();
  const path = { finetune_id: finetuneId };
  const refresh = () => {
    void client.invalidateQueries({ queryKey: ["finetunes"] });
    void client.invalidateQueries({ queryKey: ["jobs"] });
    void client.invalidateQueries({ queryKey: finetuneQuery(finetuneId).queryKey, exact: true });
  };
  const act = useMutation({
    mutationFn: (action: RunAction) => call<Finetune>(CALLS[action]({ path })),
    onSuccess: (finetune, action) => {
      client.setQueryData(finetuneQuery(finetuneId).queryKey, finetune);
      if (SAID[action]) toastGood(SAID[action]);
    },
    onError: toastProblem,
    onSettled: refresh,
  });
  const extend = useMutation({
    mutationFn: (steps: number) => call(extendFinetune({ path, body: { steps } })),
    onSuccess: (finetune) => client.setQueryData(finetuneQuery(finetuneId).queryKey, finetune),
    onSettled: refresh,
  });
  const restart = useMutation({
    mutationFn: (body: FinetuneRestart) => call(restartFinetune({ path, body })),
    onSettled: refresh,
  });
  const remove = async (name: string) => {
    await call(deleteFinetune({ path }));
    toastUndo(`“${name}” is in the trash.`, async () => {
      await call(restoreFinetune({ path }));
      refresh();
    });
    refresh();
  };
  return { act, extend, restart, remove };
}
