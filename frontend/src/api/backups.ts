import { queryOptions, type QueryClient } from "@tanstack/react-query";

import { call } from "./call";
import { listBackups } from "./generated";

/** What backups there are, where they are, and when the next is due. */
export const backupsQuery = queryOptions({
  queryKey: ["backups"],
  queryFn: () => call(listBackups()),
});

export const forgetBackups = (client: QueryClient) => client.invalidateQueries({ queryKey: ["backups"] });
