import { useQuery } from "@tanstack/react-query";

import { hostedModelsQuery, isHosted } from "@/api/hosted";
import { modelQuery } from "@/api/queries";
import { isElsewhere, serverModelsQuery } from "@/api/servers";

import type { Choice } from "./choice";

/** The model an id names, wherever it draws; none when there is no such model. */
export function useNamed(id: string): { choice: Choice | undefined; isPending: boolean } {
  const isAtBfl = isHosted(id);
  const hosted = useQuery({ ...hostedModelsQuery, enabled: isAtBfl });
  const isAtServer = isElsewhere(id);
  const servers = useQuery({ ...serverModelsQuery, enabled: isAtServer });
  const local = useQuery({ ...modelQuery(id), enabled: id !== "" && !isAtBfl && !isAtServer, retry: false });
  if (isAtServer) {
    const model = servers.data?.find((each) => each.id === id);
    return { choice: model && { kind: "local", model }, isPending: servers.isLoading };
  }
  if (isAtBfl) {
    const model = hosted.data?.find((each) => each.id === id);
    return { choice: model && { kind: "hosted", model }, isPending: hosted.isLoading };
  }
  const model = local.data;
  return { choice: model && { kind: "local", model }, isPending: local.isLoading };
}
