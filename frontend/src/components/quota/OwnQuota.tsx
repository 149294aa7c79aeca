import { useQuery } from "@tanstack/react-query";

import { sessionQuery } from "@/api/queries";
import { ownQuotaQuery } from "@/api/sharing";
import { Meter } from "@/components/Meter";
import { Panel, Section } from "@/components/Page";

import { LIMIT_NAMES, LIMITS, usedOf } from "./limits";
import classes from "./Quota.module.css";

/** What one may use oneself, and has used. Not there where nobody else uses the studio. */
export function OwnQuota() {
  const session = useQuery(sessionQuery).data;
  const quota = useQuery({ ...ownQuotaQuery, enabled: session?.is_team ?? false }).data;
  if (!quota) return null;
  return (
    <Section title="Your quota">
      <Panel className={classes.list}>
        {LIMIT_NAMES.map((name) => {
          const used = quota.usage[name];
          const limit = quota.limits[name];
          const text = usedOf(name, used, limit);
          return (
            <div key={name} className={classes.entry}>
              <p className={classes.line}>
                <span className="dim">{LIMITS[name].label}</span>
                <span className="num">{limit == null ? `${text} · no limit` : text}</span>
              </p>
              {limit != null && (
                <Meter
                  label={LIMITS[name].label}
                  value={limit === 0 ? 1 : Math.min(used, limit)}
                  total={limit || 1}
                  text={text}
                />
              )}
            </div>
          );
        })}
        <p className="dim small">Days and months are UTC. An administrator can change a limit.</p>
      </Panel>
    </Section>
  );
}
