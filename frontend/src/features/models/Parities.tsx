import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";

import { call } from "@/api/call";
import { cancelParity, type Parity, type ParityPair } from "@/api/generated";
import { ago } from "@/components/format";
import { dollars } from "@/components/hosted/money";
import { May } from "@/components/may/May";
import { Section } from "@/components/Page";
import { Picture } from "@/components/Picture";
import { ProblemCard } from "@/components/ProblemCard";
import { Fold } from "@/components/schema-form/SchemaForm";
import { StateBadge } from "@/components/StateBadge";
import { toastProblem } from "@/components/undo";

import { paritiesQuery } from "./deployments";
import classes from "./Parities.module.css";

function Side({ where, pair, isRunning }: { where: "here" | "there"; pair: ParityPair; isRunning: boolean }) {
  const found = pair[where];
  const name = where === "here" ? "Here" : "At BFL";
  return (
    <figure className={classes.side}>
      {found ? (
        <Picture image={found.image} alt={`${name}: ${pair.prompt}`} show={320} />
      ) : (
        <div className={classes.absent}>{isRunning ? "Not there yet" : "It did not come"}</div>
      )}
      <figcaption className="dim small">{name}</figcaption>
    </figure>
  );
}

function Check({ parity, modelId }: { parity: Parity; modelId: string }) {
  const client = useQueryClient();
  const isRunning = parity.state === "running";
  const cancel = async () => {
    await call(cancelParity({ path: { model_id: modelId, parity_id: parity.id } }));
    await client.invalidateQueries({ queryKey: paritiesQuery(modelId).queryKey });
  };
  return (
    <article className={classes.check} aria-label={`Comparison of ${ago(parity.created_at)}`}>
      <header className={classes.head}>
        <StateBadge state={parity.state} />
        <span className="dim small">
          {ago(parity.created_at)} · {parity.hosted_title} · strength {parity.strength} · {parity.width} ×{" "}
          {parity.height} · {isRunning ? `about ${dollars(parity.estimate)}` : dollars(parity.cost)}
        </span>
        {isRunning && (
          <May>
            <Button size="compact-sm" variant="default" onClick={() => void cancel().catch(toastProblem)}>
              Cancel
            </Button>
          </May>
        )}
      </header>
      {parity.error && <ProblemCard problem={parity.error} />}
      <ul className={classes.pairs}>
        {parity.pairs.map((pair) => (
          <li key={`${pair.prompt} ${pair.seed}`}>
            <div className={classes.pair}>
              <Side where="here" pair={pair} isRunning={isRunning} />
              <Side where="there" pair={pair} isRunning={isRunning} />
            </div>
            <p className="small">
              “{pair.prompt}” <span className="dim num">· seed {pair.seed}</span>
            </p>
            {pair.edges !== null && <p className="dim small num">{pair.says}</p>}
          </li>
        ))}
      </ul>
      <Fold title="What may differ, and why">
        <ul className={classes.differences}>
          {parity.differences.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      </Fold>
    </article>
  );
}

/** What was drawn here and at BFL, side by side; nothing where nobody has compared. */
export function Parities({ modelId }: { modelId: string }) {
  const query = useQuery(paritiesQuery(modelId));
  if (!query.data?.length) return null;
  return (
    <Section title="Here and at BFL">
      {query.data.map((parity) => (
        <Check key={parity.id} parity={parity} modelId={modelId} />
      ))}
    </Section>
  );
}
