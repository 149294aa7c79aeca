import { keepPreviousData, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";

import { call } from "@/api/call";
import {
  getDatasetGrid,
  listGridChanges,
  listGridRecords,
  type Grid,
  type GridChanges,
  type GridImage,
} from "@/api/generated";
import type { GetDatasetGridData } from "@/api/generated";

export type GridFilter = NonNullable<GetDatasetGridData["query"]>;

// The server takes 200 ids a request; a screen shows fewer.
const MOST = 100;
// Records are asked for when one of the next NEAR is not known, and then for the next FAR: many rows by one question.
const NEAR = 20;
const FAR = 80;
// While something happens it is asked often what; a dataset that lies still is left in peace.
const SYNC_MS = 4_000;
const CALM_MS = 16_000;

/** How long to wait before asking again: twice as long each time nothing had changed. */
export const nextPause = (pause: number, hasChanged: boolean) =>
  hasChanged ? SYNC_MS : Math.min(2 * pause, CALM_MS);

export const gridKey = (datasetId: string) => ["dataset", datasetId, "grid"];
export const recordKey = (datasetId: string, id: string) => ["dataset-image", datasetId, id];

export const gridQuery = (datasetId: string, filter: GridFilter) => ({
  queryKey: [...gridKey(datasetId), filter],
  queryFn: () => call(getDatasetGrid({ path: { dataset_id: datasetId }, query: filter })),
  placeholderData: keepPreviousData,
});

export function putRecords(client: QueryClient, datasetId: string, records: GridImage[]) {
  for (const record of records) client.setQueryData(recordKey(datasetId, record.id), record);
}

export const recordOf = (client: QueryClient, datasetId: string, id: string) =>
  client.getQueryData<GridImage>(recordKey(datasetId, id));

/** Records of these images, asked for as far as they aren't known. */
export async function fetchRecords(client: QueryClient, datasetId: string, ids: readonly string[]) {
  const unknown = ids.filter((id) => !recordOf(client, datasetId, id));
  for (let start = 0; start < unknown.length; start += MOST) {
    const body = { ids: unknown.slice(start, start + MOST) };
    putRecords(client, datasetId, await call(listGridRecords({ path: { dataset_id: datasetId }, body })));
  }
  return ids.flatMap((id) => recordOf(client, datasetId, id) ?? []);
}

/** Ask again for the records on screen, and forget the others: something happened to many of them. */
export async function refreshRecords(client: QueryClient, datasetId: string) {
  const known = client.getQueryCache().findAll({ queryKey: ["dataset-image", datasetId] });
  const shown = known
    .filter((query) => query.getObserversCount() > 0)
    .map(({ queryKey }) => String(queryKey[2]));
  client.removeQueries({ queryKey: ["dataset-image", datasetId], type: "inactive" });
  for (let start = 0; start < shown.length; start += MOST) {
    const body = { ids: shown.slice(start, start + MOST) };
    putRecords(client, datasetId, await call(listGridRecords({ path: { dataset_id: datasetId }, body })));
  }
}

/** The record of one image, as far as it is known; the card is drawn again when it changes. */
export function useRecord(datasetId: string, id: string): GridImage | undefined {
  return useQuery<GridImage>({
    queryKey: recordKey(datasetId, id),
    queryFn: () => Promise.reject(new Error("records come by the window")),
    enabled: false,
    staleTime: Infinity,
    gcTime: Infinity,
  }).data;
}

/** Take images out of, or put them back into, what is shown, before the server has said so. */
export function hideIds(client: QueryClient, datasetId: string, gone: ReadonlySet<string>) {
  client.setQueriesData<Grid>({ queryKey: gridKey(datasetId) }, (old) =>
    old ? { ...old, ids: old.ids.filter((id) => !gone.has(id)) } : old,
  );
}

/** Whether these changes need another look at what is in the view: something came, went, or was tagged anew. */
export function changesTheView(
  changes: GridChanges,
  shown: ReadonlySet<string>,
  known: (id: string) => GridImage | undefined,
): boolean {
  if (changes.is_too_much || changes.removed_ids.some((id) => shown.has(id))) return true;
  return changes.images.some((image) => {
    const before = known(image.id);
    if (!shown.has(image.id)) return !before || before.tags.join() !== image.tags.join();
    return before !== undefined && before.tags.join() !== image.tags.join();
  });
}

/**
 * Keep a view up to date: asks what changed, never for everything. Called on a beat that slows down while nothing
 * happens, when the page is looked at again, and by whoever knows that something happened.
 */
export function useSync(datasetId: string, grid: Grid | undefined) {
  const client = useQueryClient();
  const revision = useRef("");
  const shown = useRef<ReadonlySet<string>>(new Set());
  useEffect(() => {
    if (!grid) return;
    if (grid.revision > revision.current) revision.current = grid.revision;
    shown.current = new Set(grid.ids);
    putRecords(client, datasetId, grid.images);
  }, [client, datasetId, grid]);

  const sync = useCallback(async () => {
    if (!revision.current || document.hidden) return false;
    const changes = await call(
      listGridChanges({ path: { dataset_id: datasetId }, query: { since: revision.current } }),
    );
    if (changes.revision === revision.current) return false;
    revision.current = changes.revision;
    const isOther = changesTheView(changes, shown.current, (id) => recordOf(client, datasetId, id));
    putRecords(client, datasetId, changes.images);
    if (changes.is_too_much) await refreshRecords(client, datasetId);
    if (isOther) void client.invalidateQueries({ queryKey: gridKey(datasetId) });
    void client.invalidateQueries({ queryKey: ["dataset", datasetId], exact: true });
    void client.invalidateQueries({ queryKey: ["dataset", datasetId, "check"] });
    return true;
  }, [client, datasetId]);

  useEffect(() => {
    let timer = 0;
    let pause = SYNC_MS;
    let isGone = false;
    const ask = async () => {
      window.clearTimeout(timer);
      pause = nextPause(pause, await sync().catch(() => false));
      if (!isGone) wait();
    };
    const wait = () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => void ask(), pause);
    };
    // Whoever comes back from another window may have changed something there.
    const attend = () => void ask();
    wait();
    window.addEventListener("focus", attend);
    document.addEventListener("visibilitychange", attend);
    return () => {
      isGone = true;
      window.clearTimeout(timer);
      window.removeEventListener("focus", attend);
      document.removeEventListener("visibilitychange", attend);
    };
  }, [sync]);
  return sync;
}

/** Loads the records of the visible window, together; what is known or on its way is not asked again. */
export function useWindow(datasetId: string, ids: readonly string[]) {
  const client = useQueryClient();
  const asked = useRef(new Set<string>());
  const load = useCallback(
    (from: number, to: number) => {
      const missing = (margin: number) =>
        ids
          .slice(Math.max(0, from - margin), to + margin)
          .filter((id) => !asked.current.has(id) && !recordOf(client, datasetId, id));
      if (missing(NEAR).length === 0) return;
      const wanted = missing(FAR);
      wanted.forEach((id) => asked.current.add(id));
      void fetchRecords(client, datasetId, wanted)
        .catch(() => undefined)
        .finally(() => wanted.forEach((id) => asked.current.delete(id)));
    },
    [client, datasetId, ids],
  );
  useEffect(() => load(0, 20), [load]);
  return load;
}
