import { useQueryClient } from "@tanstack/react-query";

import { call } from "@/api/call";
import { deleteModel, restoreModel, updateModel, type Model, type ModelUpdate } from "@/api/generated";
import { modelQuery } from "@/api/queries";
import { toastProblem, toastUndo } from "@/components/undo";

export function useModelActions(id: string) {
  const client = useQueryClient();
  const path = { model_id: id };
  const key = modelQuery(id).queryKey;
  const refresh = async () => {
    await Promise.all([
      client.invalidateQueries({ queryKey: ["models"] }),
      client.invalidateQueries({ queryKey: key }),
    ]);
  };
  const update = async (body: ModelUpdate) => {
    client.setQueryData<Model>(key, (old) => old && ({ ...old, ...body } as Model));
    try {
      client.setQueryData(key, await call(updateModel({ path, body, keepalive: true })));
      void client.invalidateQueries({ queryKey: ["models"] });
    } catch (error) {
      toastProblem(error);
      await refresh();
      throw error;
    }
  };
  const remove = async (name: string) => {
    await call(deleteModel({ path }));
    toastUndo(`“${name}” is in the trash.`, async () => {
      await call(restoreModel({ path }));
      await refresh();
    });
    void client.invalidateQueries({ queryKey: ["models"] });
  };
  return { update, remove };
}
