import { Button, CloseButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Square } from "lucide-react";
import { useEffect, useEffectEvent, useState } from "react";

import type { Job } from "@/api/generated";
import { countOf, duration } from "@/components/format";
import { Meter } from "@/components/Meter";
import { ProblemCard } from "@/components/ProblemCard";
import { toastProblem } from "@/components/undo";

import type { CaptionActions } from "./actions";
import classes from "./CaptionBar.module.css";
import { runsQuery } from "./queries";

interface RunStripProps {
  datasetId: string;
  job: Job | undefined;
  actions: CaptionActions;
  sync: () => Promise<unknown>;
}

const SYNC_MS = 900;
const dismissedKey = (datasetId: string) => `fluxtune:captions:seen:${datasetId}`;

function standingOf(job: Job): string {
  if (job.state === "queued") return job.waiting_for ? `Waiting for ${job.waiting_for}` : "Waiting to start";
  if (job.step === 0) return job.phase ? `${job.phase[0].toUpperCase()}${job.phase.slice(1)}…` : "Starting…";
  const left = job.eta_s ? ` · about ${duration(job.eta_s)} left` : "";
  return `Image ${job.step} of ${job.steps}${left}`;
}

/** The captioner at work, in place; afterwards what it could not do, until that was read. */
export function RunStrip({ datasetId, job, actions, sync }: RunStripProps) {
  const runs = useQuery(runsQuery(datasetId));
  const [seen, setSeen] = useState(() => localStorage.getItem(dismissedKey(datasetId)));
  const isAtWork = job !== undefined;
  const bringIn = useEffectEvent(() => void sync().catch(() => undefined));
  const atEnd = useEffectEvent(() => void actions.again().catch(() => undefined));
  useEffect(() => {
    if (!isAtWork) return;
    const timer = window.setInterval(() => bringIn(), SYNC_MS);
    return () => {
      window.clearInterval(timer);
      atEnd();
    };
  }, [isAtWork]);

  if (job) {
    return (
      <section className={classes.run} aria-label="Captions are being written">
        <div className={classes.runText}>
          <strong>Writing captions</strong>
          <span role="status">{standingOf(job)}</span>
        </div>
        <Meter label="Captions written" value={job.step} total={job.steps} />
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<Square size={12} />}
          onClick={() => void actions.cancel().catch(toastProblem)}
        >
          Stop
        </Button>
      </section>
    );
  }
  const last = runs.data?.[0];
  const isWorthTelling = last?.job.error || (last && last.step.notes.length > 0);
  if (!last || !isWorthTelling || seen === last.job.id || last.step.state === "writing") return null;
  const dismiss = () => {
    localStorage.setItem(dismissedKey(datasetId), last.job.id);
    setSeen(last.job.id);
  };
  const reasons = new Map<string, string[]>();
  for (const { reason, name } of last.step.notes) reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
  return (
    <section className={classes.notes} aria-label="What the captioner could not do">
      <CloseButton size="sm" aria-label="I have read this" onClick={dismiss} className={classes.dismiss} />
      {last.job.error && <ProblemCard problem={last.job.error} />}
      {reasons.size > 0 && (
        <>
          <p>
            {countOf(last.step.changed_count, "caption")} written, {countOf(last.step.notes.length, "image")}{" "}
            without one:
          </p>
          <ul>
            {[...reasons].slice(0, 5).map(([reason, names]) => (
              <li key={reason}>
                {reason}{" "}
                <span className="dim">
                  ({names.slice(0, 3).join(", ")}
                  {names.length > 3 && ` and ${names.length - 3} more`})
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
