import { useQuery } from "@tanstack/react-query";

import { owedQuery } from "@/api/hosted";
import { ago, countOf } from "@/components/format";
import { dollars, groupOwed, type Owed } from "@/components/hosted/money";
import { OwedActions } from "@/components/hosted/OwedActions";
import { Panel, Section } from "@/components/Page";

import classes from "./Hosted.module.css";

function Entry({ owed }: { owed: Owed }) {
  return (
    <li className={classes.row}>
      <div className={classes.grow}>
        <p className={classes.strong}>
          {countOf(owed.images, "image")} of {owed.model} ·{" "}
          <span className="num">{dollars(owed.credits)}</span>
        </p>
        <p className="dim small">
          {ago(owed.askedAt)}
          {owed.why && ` · ${owed.why}`}
        </p>
      </div>
      <OwedActions generationId={owed.generationId} canFetch={owed.canFetch} isUnknown={owed.isUnknown} />
    </li>
  );
}

/** Shown only when there is something. */
export function NotDelivered() {
  const owed = groupOwed(useQuery(owedQuery).data?.lines ?? []);
  if (!owed.length) return null;
  return (
    <Section title="Paid, not delivered">
      <Panel className={classes.panel}>
        <ul className={classes.rows}>
          {owed.map((each) => (
            <Entry key={each.generationId} owed={each} />
          ))}
        </ul>
      </Panel>
    </Section>
  );
}
