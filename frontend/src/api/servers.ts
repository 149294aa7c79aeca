import { queryOptions, type QueryClient } from "@tanstack/react-query";

import { call } from "./call";
import { listServerModels, listServers } from "./generated";

/** Other computers that train and draw for this studio, as they were when they were asked last. */
export const serversQuery = queryOptions({
  queryKey: ["servers"],
  queryFn: () => call(listServers()),
});

/** What one can draw with there. */
export const serverModelsQuery = queryOptions({
  queryKey: ["servers", "models"],
  queryFn: () => call(listServerModels()),
});

export const isElsewhere = (modelId: string) => modelId.startsWith("at:");

export const forgetServers = (client: QueryClient) => client.invalidateQueries({ queryKey: ["servers"] });
