import { useMutation, useQueryClient } from "@tanstack/react-query";

import { call } from "@/api/call";
import {
  cancelFinetune,
  deleteFinetune,
  pauseFinetune,
  restoreFinetune,
  resumeFinetune,
  stopFinetune,
  type Finetune,
} from "@/api/generated";
import { finetuneQuery } from "@/api/queries";
import { toastProblem, toastUndo } from "@/components/undo";

const CALLS = {
  stop: stopFinetune,
  pause: pauseFinetune,
  resume: resumeFinetune,
  cancel: cancelFinetune,
} as const;
export type RunAction = keyof typeof CALLS;

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
    onSuccess: (finetune) => client.setQueryData(finetuneQuery(finetuneId).queryKey, finetune),
    onError: toastProblem,
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
  return { act, remove };
}
