import type { QueryClient } from "@tanstack/react-query";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";

import { call } from "@/api/call";
import { listGalleryRecords, type GalleryImage } from "@/api/generated";

// The server takes 200 ids a request; a screen shows fewer.
const MOST = 150;

const keyOf = (id: string) => ["gallery", "record", id];

async function fetchRecords(client: QueryClient, ids: string[]) {
  const records = await call(listGalleryRecords({ body: { ids } }));
  for (const record of records) client.setQueryData(keyOf(record.image.id), record);
}

/** Records of the visible window, fetched together; what is known is not asked again. */
export function useRecords(ids: string[]) {
  const client = useQueryClient();
  const asked = useRef(new Set<string>());
  const load = useCallback(
    (from: number, to: number) => {
      const wanted = ids
        .slice(from, to + 1)
        .filter((id) => !asked.current.has(id) && !client.getQueryData(keyOf(id)));
      for (let start = 0; start < wanted.length; start += MOST) {
        const batch = wanted.slice(start, start + MOST);
        batch.forEach((id) => asked.current.add(id));
        // Asked again only when the cache has let go of it, or it never came.
        void fetchRecords(client, batch)
          .catch(() => undefined)
          .finally(() => batch.forEach((id) => asked.current.delete(id)));
      }
    },
    [client, ids],
  );
  // The first screenful, before anything scrolls; also what arrives on top while one looks.
  useEffect(() => load(0, 40), [load]);
  return load;
}

export function useRecord(id: string | undefined): GalleryImage | null {
  const query = useQuery<GalleryImage | null>({
    queryKey: keyOf(id ?? ""),
    queryFn: async () => (await call(listGalleryRecords({ body: { ids: [id!] } })))[0] ?? null,
    enabled: false,
    staleTime: Infinity,
    gcTime: Infinity,
  });
  return query.data ?? null;
}

/** One record by address, asked for when it isn't known yet. */
export function useShownRecord(id: string | undefined): GalleryImage | null {
  const query = useQuery<GalleryImage | null>({
    queryKey: keyOf(id ?? ""),
    queryFn: async () => (await call(listGalleryRecords({ body: { ids: [id!] } })))[0] ?? null,
    enabled: Boolean(id),
    staleTime: Infinity,
  });
  return query.data ?? null;
}
