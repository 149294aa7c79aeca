import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useMemo } from "react";

import { call } from "@/api/call";
import {
  deleteDataset,
  deleteDatasetImage,
  restoreDataset,
  restoreDatasetImage,
  updateDataset,
  updateDatasetImage,
  type Dataset,
  type DatasetImage,
  type DatasetUpdate,
} from "@/api/generated";
import { datasetImagesQuery, datasetQuery } from "@/api/queries";
import { toastProblem, toastUndo } from "@/components/undo";

function datasetActions(client: QueryClient, datasetId: string) {
  const images = datasetImagesQuery(datasetId).queryKey;
  const refresh = async () => {
    await client.invalidateQueries({ queryKey: ["dataset", datasetId] });
    void client.invalidateQueries({ queryKey: ["datasets"] });
  };

  const update = async (body: DatasetUpdate) => {
    const key = datasetQuery(datasetId).queryKey;
    client.setQueryData<Dataset>(key, (old) => old && ({ ...old, ...body } as Dataset));
    try {
      client.setQueryData(key, await call(updateDataset({ path: { dataset_id: datasetId }, body })));
    } catch (error) {
      toastProblem(error);
      throw error;
    } finally {
      void refresh();
    }
  };

  const caption = async (id: string, text: string) => {
    const saved = await call(
      // keepalive: the last words typed are still sent while the page closes.
      updateDatasetImage({
        path: { dataset_id: datasetId, dataset_image_id: id },
        body: { caption: text },
        keepalive: true,
      }),
    );
    client.setQueryData<DatasetImage[]>(images, (old) => old?.map((one) => (one.id === id ? saved : one)));
    void client.invalidateQueries({ queryKey: ["dataset", datasetId, "check"] });
    void client.invalidateQueries({ queryKey: datasetQuery(datasetId).queryKey, exact: true });
  };

  const captionAll = async (changes: { id: string; caption: string }[]) => {
    for (const { id, caption: text } of changes) await caption(id, text);
    await refresh();
  };

  const removeImage = async (image: DatasetImage) => {
    const path = { dataset_id: datasetId, dataset_image_id: image.id };
    client.setQueryData<DatasetImage[]>(images, (old) => old?.filter(({ id }) => id !== image.id));
    try {
      await call(deleteDatasetImage({ path }));
      toastUndo(`Removed ${image.name}.`, async () => {
        await call(restoreDatasetImage({ path }));
        await refresh();
      });
    } catch (error) {
      toastProblem(error);
    }
    await refresh();
  };

  const remove = async (name: string) => {
    const path = { dataset_id: datasetId };
    await call(deleteDataset({ path }));
    toastUndo(`“${name}” is in the trash.`, async () => {
      await call(restoreDataset({ path }));
      await refresh();
    });
    void client.invalidateQueries({ queryKey: ["datasets"] });
  };

  return { update, caption, captionAll, removeImage, remove, refresh };
}

/** What a user does to a dataset; every removal can be undone. The same object for the life of the page. */
export function useDatasetActions(datasetId: string) {
  const client = useQueryClient();
  return useMemo(() => datasetActions(client, datasetId), [client, datasetId]);
}
