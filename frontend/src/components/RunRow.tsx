import { Link } from "@tanstack/react-router";
import { TrendingDown } from "lucide-react";
import type { ReactNode } from "react";

import type { Finetune } from "@/api/generated";

import { ago, duration } from "./format";
import { Meter } from "./Meter";
import { Picture } from "./Picture";
import classes from "./RunRow.module.css";
import { StateBadge } from "./StateBadge";

export function RunRows({ children }: { children: ReactNode }) {
  return <ul className={classes.rows}>{children}</ul>;
}

function standing(run: Finetune): string {
  const steps = `step ${run.step.toLocaleString("en")} of ${run.steps.toLocaleString("en")}`;
  if (run.state === "running")
    return [steps, run.eta_s && `about ${duration(run.eta_s)} left`].filter(Boolean).join(" · ");
  if (run.state === "queued") return run.waiting_for ? `waiting for ${run.waiting_for}` : "waiting to start";
  if (run.state === "failed") return run.error?.title ?? steps;
  if (run.state === "succeeded")
    return `${run.step.toLocaleString("en")} steps · ${ago(run.finished_at ?? run.created_at)}`;
  return steps;
}

/** One finetune in a list, alive while it runs. */
export function RunRow({ run }: { run: Finetune }) {
  return (
    <li>
      <Link to="/finetunes/$finetuneId" params={{ finetuneId: run.id }} className={classes.row}>
        <span className={classes.cover}>
          {run.cover ? (
            <Picture image={run.cover} alt="" fit="square" show={56} />
          ) : (
            <TrendingDown size={20} strokeWidth={1.5} aria-hidden />
          )}
        </span>
        <span className={classes.names}>
          <span className={`${classes.name} clip`}>{run.name}</span>
          <span className="dim small clip">
            {run.image_count} images · {run.base} · {run.quality}
          </span>
        </span>
        <span className={classes.standing}>
          <span className="dim small num">{standing(run)}</span>
          {(run.state === "running" || run.state === "paused") && (
            <Meter label={`Progress of ${run.name}`} value={run.step} total={run.steps} size={5} />
          )}
        </span>
        <span className={classes.state}>
          <StateBadge state={run.state} />
        </span>
      </Link>
    </li>
  );
}
