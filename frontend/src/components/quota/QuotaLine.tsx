import { useQuery } from "@tanstack/react-query";

import { sessionQuery } from "@/api/queries";
import { ownQuotaQuery } from "@/api/sharing";

import { usedOf, type LimitName } from "./limits";

/** What one may still begin, beside the button that begins it. Nothing where there is no limit. */
export function QuotaLine({ names }: { names: LimitName[] }) {
  const session = useQuery(sessionQuery).data;
  const quota = useQuery({ ...ownQuotaQuery, enabled: session?.is_team ?? false }).data;
  const shown = quota ? names.filter((name) => quota.limits[name] != null) : [];
  if (!quota || !shown.length) return null;
  return (
    <p className="dim small num" aria-label="Your quota">
      {shown.map((name) => usedOf(name, quota.usage[name], quota.limits[name])).join(" · ")}
    </p>
  );
}
