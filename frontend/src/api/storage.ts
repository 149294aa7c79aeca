import { queryOptions, type QueryClient } from "@tanstack/react-query";

import { call } from "./call";
import { getStorage } from "./generated";

/** What takes room; the server measures at most once a minute. */
export const storageQuery = queryOptions({
  queryKey: ["storage"],
  queryFn: () => call(getStorage()),
});

/** Measure anew and show that. */
export const measureStorage = async (client: QueryClient) =>
  client.setQueryData(storageQuery.queryKey, await call(getStorage({ query: { fresh: true } })));
