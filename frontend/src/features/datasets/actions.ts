import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useMemo } from "react";

import { call } from "@/api/call";
import {
  changeDatasetImages,
  deleteDataset,
  listGridRecords,
  restoreDataset,
  updateDataset,
  updateDatasetImage,
  type Dataset,
  type DatasetUpdate,
  type GridImage,
  type ImagesChange,
} from "@/api/generated";
import { datasetQuery } from "@/api/queries";
import { countOf } from "@/components/format";
import { toastProblem, toastUndo } from "@/components/undo";

import { fetchRecords, hideIds, putRecords, recordOf, refreshRecords } from "./grid/records";

// The check looks at the whole dataset: asked once after a few edits, not after each.
const CHECK_PAUSE_MS = 700;

function datasetActions(client: QueryClient, datasetId: string) {
  const path = { dataset_id: datasetId };
  let checkTimer = 0;
  const refresh = async () => {
    await refreshRecords(client, datasetId);
    await client.invalidateQueries({ queryKey: ["dataset", datasetId] });
    void client.invalidateQueries({ queryKey: ["datasets"] });
  };
  const checkSoon = () => {
    window.clearTimeout(checkTimer);
    checkTimer = window.setTimeout(() => {
      void client.invalidateQueries({ queryKey: ["dataset", datasetId, "check"] });
    }, CHECK_PAUSE_MS);
  };

  const update = async (body: DatasetUpdate) => {
    const key = datasetQuery(datasetId).queryKey;
    client.setQueryData<Dataset>(key, (old) => old && ({ ...old, ...body } as Dataset));
    try {
      client.setQueryData(key, await call(updateDataset({ path, body })));
    } catch (error) {
      toastProblem(error);
      throw error;
    } finally {
      void client.invalidateQueries({ queryKey: key, exact: true });
      void client.invalidateQueries({ queryKey: ["datasets"] });
      checkSoon();
    }
  };

  /** Keep a caption; with `expected`, only where no other text came in between. */
  const caption = async (id: string, text: string, expected?: string) => {
    const before = recordOf(client, datasetId, id);
    // Shown at once, also by a card that scrolls away and comes back before the server has answered.
    if (before) putRecords(client, datasetId, [{ ...before, caption: text }]);
    const saved = await call(
      // keepalive: the last words typed are still sent while the page closes.
      updateDatasetImage({
        path: { ...path, dataset_image_id: id },
        body: { caption: text, expected },
        keepalive: true,
      }),
    ).catch(async (error: unknown) => {
      // What is shown must be what the server has: the text that came in between, if one did.
      if (before) putRecords(client, datasetId, [before]);
      const body = { ids: [id] };
      putRecords(client, datasetId, await call(listGridRecords({ path, body })).catch(() => []));
      throw error;
    });
    putRecords(client, datasetId, [saved]);
    checkSoon();
    void client.invalidateQueries({ queryKey: datasetQuery(datasetId).queryKey, exact: true });
  };

  const captionAll = async (changes: { id: string; caption: string }[]) => {
    for (const { id, caption: text } of changes) await caption(id, text);
    await refresh();
  };

  const apply = (change: ImagesChange) => call(changeDatasetImages({ path, body: change }));

  /** One change to many images, with the way back. */
  const change = async (ids: string[], by: Omit<ImagesChange, "ids">, said: string) => {
    const gone = new Set(ids);
    if (typeof by.removed === "boolean") hideIds(client, datasetId, gone);
    try {
      const done = await apply({ ids, ...by });
      toastUndo(`${countOf(done.changed_count, "image")} ${said}.`, async () => {
        for (const step of done.undo) await apply(step);
        await refresh();
      });
    } catch (error) {
      toastProblem(error);
    }
    await refresh();
  };

  /** What is known of some images, saved as it is typed; typing is its own way back. */
  const describe = async (ids: string[], by: Omit<ImagesChange, "ids">) => {
    for (const id of ids) {
      const known = recordOf(client, datasetId, id);
      if (!known) continue;
      const { add_tags = [], remove_tags = [], removed: _removed, ...texts } = by;
      const tags = [...known.tags.filter((tag) => !remove_tags.includes(tag)), ...add_tags];
      const given = Object.entries(texts).filter(([, value]) => value !== undefined && value !== null);
      putRecords(client, datasetId, [{ ...known, ...Object.fromEntries(given), tags }]);
    }
    await apply({ ids, ...by });
    if (by.add_tags || by.remove_tags) await refresh();
  };

  const removeImage = (image: GridImage) => change([image.id], { removed: true }, "removed");

  const remove = async (name: string) => {
    await call(deleteDataset({ path }));
    toastUndo(`“${name}” is in the trash.`, async () => {
      await call(restoreDataset({ path }));
      await refresh();
    });
    void client.invalidateQueries({ queryKey: ["datasets"] });
  };

  const recordsOf = (ids: readonly string[]) => fetchRecords(client, datasetId, ids);

  return { update, caption, captionAll, change, describe, removeImage, remove, refresh, recordsOf };
}

/** What a user does to a dataset; every removal can be undone. The same object for the life of the page. */
export function useDatasetActions(datasetId: string) {
  const client = useQueryClient();
  return useMemo(() => datasetActions(client, datasetId), [client, datasetId]);
}

export type DatasetActions = ReturnType<typeof useDatasetActions>;
