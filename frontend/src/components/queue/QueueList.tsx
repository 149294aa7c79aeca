import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { Job } from "@/api/generated";
import { queueQuery } from "@/api/queries";
import { Section } from "@/components/Page";

import { MoveButtons } from "./MoveButtons";
import { waiting } from "./order";
import classes from "./Queue.module.css";

const isRun = (job: Job) => job.kind === "finetune" || job.kind === "health";

/** What waits for the device, in the order it will run; shown once there is an order to speak of. */
export function QueueList() {
  const jobs = useQuery(queueQuery).data ?? [];
  const queue = waiting(jobs);
  if (queue.length < 2) return null;
  return (
    <Section title="Waiting, in this order">
      <ol className={classes.list} aria-label="Waiting jobs, in turn">
        {queue.map((job, index) => (
          <li key={job.id}>
            <span className={classes.place}>{index + 1}</span>
            <span className={`${classes.title} clip`}>
              {isRun(job) ? (
                <Link to="/finetunes/$finetuneId" params={{ finetuneId: job.target_id }}>
                  {job.title}
                </Link>
              ) : (
                job.title
              )}
            </span>
            <MoveButtons job={job} jobs={jobs} />
          </li>
        ))}
      </ol>
    </Section>
  );
}
