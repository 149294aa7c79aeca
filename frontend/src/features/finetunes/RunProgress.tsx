import { useQuery } from "@tanstack/react-query";

import type { PhaseCount } from "@/api/apply";
import type { Finetune } from "@/api/generated";
import { lossQuery } from "@/api/queries";
import { bytes, compactNumber, duration, secondsPerStep } from "@/components/format";
import { Meter } from "@/components/Meter";
import { Picture } from "@/components/Picture";

import { pauseWords, phaseOf } from "./phases";
import classes from "./Run.module.css";

function Fact({ label, value }: { label: string; value: string | null }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value ?? "–"}</dd>
    </div>
  );
}

/** Steps done of steps planned, and what that means in time. */
export function RunProgress({ run }: { run: Finetune }) {
  const count = useQuery<PhaseCount>({
    queryKey: ["finetune", run.id, "phase"],
    enabled: false,
    staleTime: Infinity,
  }).data;
  const share = run.steps > 0 ? Math.min(100, Math.floor((100 * run.step) / run.steps)) : 0;
  const isCounted = run.phase !== "training" && run.state === "running" && (count?.total ?? 0) > 1;
  const loss = useQuery(lossQuery(run.id)).data?.at(-1)?.smoothed ?? run.loss;
  const paused = pauseWords(run);
  const took =
    run.started_at && run.finished_at
      ? (Date.parse(run.finished_at) - Date.parse(run.started_at)) / 1000
      : null;
  return (
    <section aria-label="Progress" className={classes.progress}>
      <div className={classes.headline}>
        <p className={classes.share}>
          {share}
          <span>%</span>
        </p>
        <div className={classes.phase}>
          <p role="status">{phaseOf(run)}</p>
          <p className="dim num">
            step {run.step.toLocaleString("en")} of {run.steps.toLocaleString("en")}
            {isCounted && count && ` · ${count.done} of ${count.total}`}
          </p>
        </div>
        {run.state === "running" && run.eta_s !== null && (
          <p className={classes.eta}>
            {duration(run.eta_s)}
            <span>left, about</span>
          </p>
        )}
        {took !== null && (
          <p className={classes.eta}>
            {duration(took)}
            <span>in all</span>
          </p>
        )}
      </div>
      <Meter
        label="Training progress"
        value={run.step}
        total={run.steps}
        size={10}
        text={`step ${run.step} of ${run.steps}`}
      />
      {paused && <p className="dim small">{paused}</p>}
      <div className={classes.below}>
        {run.cover && (
          <div className={classes.cover}>
            <Picture image={run.cover} alt="The newest sample" show={170} eager />
          </div>
        )}
        <dl className={classes.numbers}>
          <Fact label="Speed" value={run.seconds_per_step ? secondsPerStep(run.seconds_per_step) : null} />
          <Fact label="Loss" value={loss === null ? null : compactNumber(loss)} />
          <Fact label="Memory, at most" value={run.peak_memory_bytes ? bytes(run.peak_memory_bytes) : null} />
          {run.device_load !== null && (
            <Fact label="Device load" value={`${Math.round(100 * run.device_load)} %`} />
          )}
          <Fact label="Images" value={String(run.image_count)} />
        </dl>
      </div>
    </section>
  );
}
