import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Gauge } from "lucide-react";

import { call } from "@/api/call";
import { createProbe, type FinetuneCreate, type FinetunePlan, type Probe } from "@/api/generated";
import { activeJobsQuery, probeQuery } from "@/api/queries";
import { ago, bytes, secondsPerStep } from "@/components/format";
import { Meter } from "@/components/Meter";
import { ErrorState, ProblemCard } from "@/components/ProblemCard";

import { phaseWords } from "./phases";

const isUnderWay = (probe: Probe | undefined) => probe?.state === "queued" || probe?.state === "running";

function Progress({ probe }: { probe: Probe }) {
  const job = useQuery(activeJobsQuery).data?.find(({ id }) => id === probe.job_id);
  const isWaiting = (job?.state ?? probe.state) === "queued";
  const waitsFor = job?.waiting_for ?? probe.waiting_for;
  const words = isWaiting
    ? `The measurement waits ${waitsFor ? `for ${waitsFor}` : "to start"}`
    : [phaseWords(job?.phase ?? ""), job && job.step > 0 && `step ${job.step} of ${job.steps}`]
        .filter(Boolean)
        .join(" · ");
  return (
    <div>
      <p role="status" className="small num" style={{ marginBottom: 6 }}>
        {words}
      </p>
      <Meter label="Progress of the measurement" value={job?.step ?? 0} total={job?.steps ?? probe.steps} />
    </div>
  );
}

/** A few real steps of this very recipe, before anything long starts; estimates then come from them. */
export function Measuring({
  request,
  plan,
  probeId,
  canMeasure,
  onStart,
}: {
  request: FinetuneCreate;
  plan: FinetunePlan;
  probeId: string;
  canMeasure: boolean;
  onStart: (probeId: string) => void;
}) {
  const client = useQueryClient();
  const current = useQuery(probeQuery(probeId)).data;
  const start = useMutation({
    mutationFn: () => call(createProbe({ body: request })),
    onSuccess: (probe) => {
      client.setQueryData(probeQuery(probe.id).queryKey, probe);
      void client.invalidateQueries({ queryKey: ["jobs"] });
      onStart(probe.id);
    },
  });
  const { probe } = plan;
  if (current && isUnderWay(current)) return <Progress probe={current} />;
  return (
    <div className="stack" style={{ gap: 8 }}>
      {probe?.seconds_per_step ? (
        <p className="small num">
          Measured here {ago(probe.finished_at ?? probe.created_at)}: {secondsPerStep(probe.seconds_per_step)}
          {probe.memory_bytes ? `, ${bytes(probe.memory_bytes)} of memory` : ""}.
        </p>
      ) : (
        <p className="dim small">An estimate. A few real steps tell more.</p>
      )}
      <Button
        variant="default"
        size="xs"
        leftSection={<Gauge size={14} />}
        loading={start.isPending}
        disabled={!canMeasure}
        onClick={() => start.mutate()}
      >
        {probe ? "Measure again" : "Measure on this machine"}
      </Button>
      {start.isError && <ErrorState error={start.error} />}
      {current?.state === "failed" && current.error && <ProblemCard problem={current.error} />}
    </div>
  );
}
