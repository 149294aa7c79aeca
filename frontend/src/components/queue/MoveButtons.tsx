import { ActionIcon } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ArrowDown, ArrowUp } from "lucide-react";

import { call } from "@/api/call";
import { moveJob, type Job } from "@/api/generated";
import { queueQuery } from "@/api/queries";
import { useMay } from "@/api/session";
import { useStanding } from "@/components/may/May";
import { toastProblem } from "@/components/undo";

import { placeFor, waiting } from "./order";
import classes from "./Queue.module.css";

/** Let a waiting job run one place earlier or later. Shown only where there is an order to change. */
export function MoveButtons({ job, jobs }: { job: Job; jobs: Job[] }) {
  const client = useQueryClient();
  const isWaiting = job.state === "queued" && waiting(jobs, job.lane).length > 1;
  const mayTrain = useMay("train");
  const isFinetune = job.kind === "finetune";
  const { may } = useStanding("finetune", isWaiting && isFinetune ? job.target_id : "");
  const move = useMutation({
    mutationFn: (before: string | null) => call(moveJob({ path: { job_id: job.id }, body: { before } })),
    onSuccess: (inTurn) => client.setQueryData(queueQuery.queryKey, inTurn),
    onError: toastProblem,
    onSettled: () => void client.invalidateQueries({ queryKey: ["jobs"] }),
  });
  if (!isWaiting || !mayTrain || (isFinetune && !may)) return null;
  const button = (by: -1 | 1) => {
    const before = placeFor(jobs, job.id, by);
    const Icon = by < 0 ? ArrowUp : ArrowDown;
    return (
      // aria-disabled keeps the focus where it is when the job has reached an end of the queue.
      <ActionIcon
        size="sm"
        aria-label={`Run ${job.title} ${by < 0 ? "earlier" : "later"}`}
        aria-disabled={before === undefined}
        data-disabled={before === undefined || undefined}
        onClick={() => before !== undefined && !move.isPending && move.mutate(before)}
      >
        <Icon size={15} />
      </ActionIcon>
    );
  };
  return (
    <span className={classes.move}>
      {button(-1)}
      {button(1)}
    </span>
  );
}
