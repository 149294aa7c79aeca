import { useQuery } from "@tanstack/react-query";

import type { Generation } from "@/api/generated";
import { estimateQuery, owedQuery } from "@/api/hosted";
import { countOf } from "@/components/format";
import { dollars, groupOwed } from "@/components/hosted/money";
import { OwedActions, SendAgain } from "@/components/hosted/OwedActions";

import classes from "./Results.module.css";

/** What a hosted generation costs: expected while it runs, settled when BFL has told it. */
export function costText({ cost, state }: Pick<Generation, "cost" | "state">): string {
  if (!cost) return "";
  const isRunning = state === "queued" || state === "running";
  if (isRunning) return `about ${dollars(cost.estimate)}`;
  if (cost.cost > 0) return `${dollars(cost.cost)} paid`;
  if (cost.owed.length > 0) return `perhaps ${dollars(cost.estimate)} paid`;
  return state === "succeeded" ? `about ${dollars(cost.estimate)}` : "nothing charged";
}

function Missing({ generation, count }: { generation: Generation; count: number }) {
  const { model_id, parameters, prompt } = generation;
  const body = { model_id, parameters, prompt: prompt || " ", count };
  const price = useQuery({ ...estimateQuery(body), placeholderData: undefined }).data;
  return (
    <div className={classes.outcome}>
      <span className={classes.outcomeText}>{countOf(count, "image")} did not come.</span>
      <SendAgain generationId={generation.id} label="Send again" title="Pay for what did not come?">
        <p>
          {countOf(count, "image")} of {generation.model_name}
          {price
            ? ` will be asked for again, for about ${dollars(price.credits)}.`
            : " will be asked for again and charged."}{" "}
          Images that are here stay and are not paid again.
        </p>
      </SendAgain>
    </div>
  );
}

/** The ways out when images of a hosted generation did not come: fetch what is paid, or pay for it again. */
export function HostedOutcome({ generation }: { generation: Generation }) {
  const isOwed = Boolean(generation.cost?.owed.length);
  const lines = useQuery({ ...owedQuery, enabled: isOwed }).data?.lines ?? [];
  const owed = isOwed
    ? groupOwed(lines.filter((line) => line.generation_id === generation.id))[0]
    : undefined;
  if (isOwed) {
    if (!owed) return null;
    return (
      <div className={classes.outcome}>
        <span className={classes.outcomeText}>
          {owed.canFetch ? "Paid, not delivered" : "Perhaps paid, not delivered"}:{" "}
          {countOf(owed.images, "image")}, <span className="num">{dollars(owed.credits)}</span>
        </span>
        <OwedActions generationId={generation.id} canFetch={owed.canFetch} isUnknown={owed.isUnknown} />
      </div>
    );
  }
  const missing = generation.slots.filter(({ result }) => !result).length;
  return generation.state === "failed" && missing > 0 ? (
    <Missing generation={generation} count={missing} />
  ) : null;
}
