import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import { call } from "@/api/call";
import {
  changeFlag,
  listFlags,
  listPeopleNames,
  resetFlag,
  type FlagChange,
  type FlagInfo,
} from "@/api/generated";
import { toastProblem, toastUndo } from "@/components/undo";

import { forWhom } from "./words";

export const flagsQuery = queryOptions({ queryKey: ["flags"], queryFn: () => call(listFlags()) });

export const namesQuery = queryOptions({
  queryKey: ["people", "names"],
  queryFn: () => call(listPeopleNames()),
});

const settingOf = ({ state, roles, people, until }: FlagInfo): FlagChange => ({
  state,
  roles,
  people,
  until,
});

const send = (name: string, change: FlagChange | null) =>
  call(change ? changeFlag({ path: { name }, body: change }) : resetFlag({ path: { name } }));

/** Decide about a feature; null lets it be as by default. What was before comes back with Undo. */
export function useChange(flag: FlagInfo) {
  const client = useQueryClient();
  // Which models and forms there are depends on it, too.
  const refresh = () => client.invalidateQueries();
  return useMutation({
    mutationFn: (change: FlagChange | null) => send(flag.name, change),
    onSuccess: async (now) => {
      await refresh();
      const before = flag.is_changed ? settingOf(flag) : null;
      toastUndo(`${now.title}: ${forWhom(now)}.`, async () => {
        await send(flag.name, before);
        await refresh();
      });
    },
    onError: toastProblem,
  });
}
