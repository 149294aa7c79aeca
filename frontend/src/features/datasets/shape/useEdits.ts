import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";

import { call } from "@/api/call";
import { editDatasetImages, suggestCrops, type Edits, type ImageEdits } from "@/api/generated";
import { countOf } from "@/components/format";
import { toastProblem, toastUndo } from "@/components/undo";
import { putRecords } from "@/features/datasets/grid/records";

// Pictures are made while one waits: a few a request, so that how far it is can be told.
const AT_ONCE = 6;

/** Edits of images, a few at a time, with one way back for all of them. */
export function useEdits(datasetId: string) {
  const client = useQueryClient();
  const send = useCallback(
    async (changes: ImageEdits[], tell?: (done: number) => void): Promise<ImageEdits[]> => {
      const undo: ImageEdits[] = [];
      for (let start = 0; start < changes.length; start += AT_ONCE) {
        const body = { changes: changes.slice(start, start + AT_ONCE) };
        const done = await call(editDatasetImages({ path: { dataset_id: datasetId }, body }));
        putRecords(client, datasetId, done.images);
        undo.push(...done.undo);
        tell?.(Math.min(changes.length, start + AT_ONCE));
      }
      return undo;
    },
    [client, datasetId],
  );
  const refresh = useCallback(
    () => client.invalidateQueries({ queryKey: ["dataset", datasetId] }),
    [client, datasetId],
  );
  const apply = useCallback(
    async (changes: ImageEdits[], tell?: (done: number) => void) => {
      try {
        const undo = await send(changes, tell);
        if (undo.length > 0) {
          toastUndo(`${countOf(undo.length, "image")} edited; the originals are kept.`, async () => {
            await send(undo);
            await refresh();
          });
        }
        return true;
      } catch (error) {
        toastProblem(error);
        return false;
      } finally {
        void refresh();
      }
    },
    [send, refresh],
  );
  const suggest = useCallback(
    async (ids: string[], aspect: number | null, own?: Pick<Edits, "turn" | "mirror">) => {
      const body = { ids, ...(aspect === null ? {} : { aspect }), ...own };
      return call(suggestCrops({ path: { dataset_id: datasetId }, body }));
    },
    [datasetId],
  );
  return { apply, suggest };
}
