import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import { call } from "@/api/call";
import {
  listChanges,
  listSettings,
  undoChange,
  updateSettings,
  type SettingsChange,
  type SettingsUpdate,
  type SettingsUpdated,
} from "@/api/generated";
import { toastProblem, toastUndo } from "@/components/undo";

import { told } from "./values";

export const settingsQuery = queryOptions({
  queryKey: ["settings"],
  queryFn: () => call(listSettings()),
});

export const changesQuery = queryOptions({
  queryKey: ["settings", "changes"],
  queryFn: () => call(listChanges({ query: { limit: 50 } })),
});

/** One change in words. */
export function summary({ changes }: SettingsChange): string {
  const [first] = changes;
  if (!first) return "Nothing changed";
  if (changes.length > 1) return `${changes.length} settings changed`;
  return first.after === null ? `${first.title}: as usual again` : `${first.title}: ${told(first.after)}`;
}

/** Take over how all settings are after a change; everything else on screen may depend on them. */
function useTakeOver() {
  const client = useQueryClient();
  return ({ settings }: SettingsUpdated) => {
    client.setQueryData(settingsQuery.queryKey, settings);
    return client.invalidateQueries({
      predicate: ({ queryKey }) => queryKey[0] !== "settings" || queryKey.length > 1,
    });
  };
}

export function useUndo() {
  const takeOver = useTakeOver();
  return useMutation({
    mutationFn: (change_id: number) => call(undoChange({ path: { change_id } })),
    onSuccess: takeOver,
    onError: toastProblem,
  });
}

/** Change settings now, with the way back. */
export function useChange() {
  const takeOver = useTakeOver();
  const undo = useUndo();
  return useMutation({
    mutationFn: (body: SettingsUpdate) => call(updateSettings({ body })),
    onSuccess: async (done) => {
      const { change } = done;
      if (change) toastUndo(`${summary(change)}.`, () => undo.mutateAsync(change.id));
      await takeOver(done);
    },
  });
}
