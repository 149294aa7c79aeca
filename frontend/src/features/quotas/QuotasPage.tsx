import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { PersonQuota } from "@/api/generated";
import { quotasQuery } from "@/api/sharing";
import { Loaded } from "@/components/Loaded";
import { Meter } from "@/components/Meter";
import { Page, Panel, Section } from "@/components/Page";
import { LIMIT_NAMES, LIMITS, ownWords, shareOf, usedOf } from "@/components/quota/limits";

import { Everybody } from "./Everybody";
import { PersonDialog } from "./PersonDialog";
import classes from "./Quotas.module.css";

function Person({ person, onChange }: { person: PersonQuota; onChange: () => void }) {
  const { name, role, own, limits, usage } = person;
  return (
    <li className={classes.row}>
      <div className={classes.head}>
        <p className={classes.grow}>
          <strong>{name}</strong>{" "}
          <span className="dim small">{[role, ownWords(own)].filter(Boolean).join(" · ")}</span>
        </p>
        <Button
          size="compact-sm"
          variant="default"
          aria-label={`Change the limits of ${name}`}
          onClick={onChange}
        >
          Change
        </Button>
      </div>
      <dl className={classes.usage}>
        {LIMIT_NAMES.map((limit) => (
          <div key={limit}>
            <dt className="dim small">{LIMITS[limit].label}</dt>
            <dd className="num">
              {LIMITS[limit].show(usage[limit])}
              {limits[limit] != null && <span className="dim"> of {LIMITS[limit].show(limits[limit])}</span>}
            </dd>
            {shareOf(usage[limit], limits[limit]) !== null && (
              <Meter
                label={`${LIMITS[limit].label} of ${name}`}
                value={shareOf(usage[limit], limits[limit]) ?? 0}
                total={1}
                size={4}
                text={usedOf(limit, usage[limit], limits[limit])}
              />
            )}
          </div>
        ))}
      </dl>
    </li>
  );
}

/** What people may use, and what they have used. */
export function QuotasPage() {
  const quotas = useQuery(quotasQuery);
  const [changing, setChanging] = useState<PersonQuota | null>(null);
  return (
    <Page title="Quotas" sub="How much each person may make, train, keep and spend.">
      <Loaded query={quotas}>
        {({ everybody, people }) => (
          <>
            <Everybody limits={everybody} />
            <Section title="People">
              <Panel>
                {people.length ? (
                  <ul className={classes.rows}>
                    {people.map((person) => (
                      <Person key={person.person_id} person={person} onChange={() => setChanging(person)} />
                    ))}
                  </ul>
                ) : (
                  <p className="dim small">
                    Nobody signs in to this studio: its owner has no limits. Invite people under Admin,
                    People.
                  </p>
                )}
              </Panel>
            </Section>
          </>
        )}
      </Loaded>
      <PersonDialog person={changing} onClose={() => setChanging(null)} />
    </Page>
  );
}
