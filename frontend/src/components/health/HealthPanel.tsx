import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Ban, HeartPulse, RotateCw } from "lucide-react";

import { call } from "@/api/call";
import { cancelCheck, startCheck, type Health, type Job } from "@/api/generated";
import { activeJobsQuery, healthQuery } from "@/api/queries";
import { ago, countOf, duration } from "@/components/format";
import { Loaded } from "@/components/Loaded";
import { May } from "@/components/may/May";
import { Meter } from "@/components/Meter";
import { Section } from "@/components/Page";
import { ErrorState, ProblemCard } from "@/components/ProblemCard";
import { toastProblem } from "@/components/undo";

import classes from "./Health.module.css";
import { Report } from "./Report";

const isActive = (job: Job | null | undefined) => job?.state === "queued" || job?.state === "running";

function Checking({ job, finetuneId }: { job: Job; finetuneId: string }) {
  const client = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => call(cancelCheck({ path: { finetune_id: finetuneId } })),
    onError: toastProblem,
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["jobs"] });
      void client.invalidateQueries({ queryKey: healthQuery(finetuneId).queryKey });
    },
  });
  const standing =
    job.state === "queued"
      ? job.waiting_for
        ? `Waiting for ${job.waiting_for}`
        : "Waiting to start"
      : [
          job.phase || "Measuring",
          job.steps > 0 && `${job.step} of ${countOf(job.steps, "image")}`,
          job.eta_s && `about ${duration(job.eta_s)} left`,
        ]
          .filter(Boolean)
          .join(" · ");
  return (
    <div>
      <div className="row" style={{ marginBottom: 8, justifyContent: "space-between" }}>
        <p role="status" className="num">
          {standing[0].toUpperCase() + standing.slice(1)}
        </p>
        <May>
          <Button
            size="compact-sm"
            variant="quiet"
            leftSection={<Ban size={14} />}
            loading={cancel.isPending || cancel.isSuccess}
            onClick={() => cancel.mutate()}
          >
            Cancel the check
          </Button>
        </May>
      </div>
      <Meter label="Progress of the health check" value={job.step} total={job.steps} />
    </div>
  );
}

/** How well a finetune turned out, measured here: what to use, and why. */
export function HealthPanel({ finetuneId, modelId }: { finetuneId: string; modelId: string | null }) {
  const client = useQueryClient();
  const query = useQuery(healthQuery(finetuneId));
  const live = useQuery(activeJobsQuery).data?.find(({ id }) => id === query.data?.job?.id);
  const job = live ?? query.data?.job;
  const start = useMutation({
    mutationFn: () => call(startCheck({ path: { finetune_id: finetuneId } })),
    onSuccess: (started) => {
      client.setQueryData<Health>(healthQuery(finetuneId).queryKey, (old) => old && { ...old, job: started });
      void client.invalidateQueries({ queryKey: ["jobs"] });
    },
  });
  const measure = (words: string) => (
    <May>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={words === "Measure now" ? <HeartPulse size={14} /> : <RotateCw size={14} />}
        loading={start.isPending}
        onClick={() => start.mutate()}
      >
        {words}
      </Button>
    </May>
  );
  return (
    <Section
      title="Health report"
      aside={query.data && !isActive(job) && measure(query.data.report ? "Measure again" : "Measure now")}
    >
      <Loaded query={query} skeleton={<div className={classes.panel} style={{ minHeight: 120 }} />}>
        {(health) => (
          <div className={classes.panel}>
            {start.isError && <ErrorState error={start.error} />}
            {job && isActive(job) && <Checking key={job.id} job={job} finetuneId={finetuneId} />}
            {job?.state === "failed" && job.error && <ProblemCard problem={job.error} />}
            {health.report ? (
              <>
                <Report health={health} report={health.report} modelId={modelId} />
                {health.measured_at && (
                  <p className="dim small">
                    Measured here {ago(health.measured_at)}, in {duration(health.report.seconds ?? 0)}.
                  </p>
                )}
              </>
            ) : (
              !isActive(job) && (
                <p className="dim">
                  Draws with every kept checkpoint and measures how much was learned, what leaked into other
                  prompts, and whether training images were copied. Then it says which checkpoint to use.
                </p>
              )
            )}
          </div>
        )}
      </Loaded>
    </Section>
  );
}
