import { ActionIcon, Button, Modal, Tooltip } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, CircleDashed, ShieldCheck, Trash2 } from "lucide-react";
import { useState } from "react";

import { forgetBackups } from "@/api/backups";
import { call } from "@/api/call";
import { removeBackup, startVerification, type Backup } from "@/api/generated";
import { activeJobsQuery } from "@/api/queries";
import { focusWhenLost } from "@/components/focus";
import { ago, countOf, diskBytes, duration } from "@/components/format";
import { Meter } from "@/components/Meter";
import { toastGood, toastProblem } from "@/components/undo";

import classes from "./Backups.module.css";

const WHY = { asked: "asked for", scheduled: "scheduled", command: "by the command line" } as const;

const when = (iso: string) => new Date(iso).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });

/** How far the job on a backup is, while there is one. */
function Progress({ backup }: { backup: Backup }) {
  const job = (useQuery(activeJobsQuery).data ?? []).find(
    ({ kind, target_id }) => kind === "backup" && target_id === backup.id,
  );
  if (!job) return backup.state === "running" ? <p className="dim small">Being made by a command</p> : null;
  const left = job.eta_s ? ` · about ${duration(job.eta_s)} left` : "";
  const done = job.step > 0 ? ` · ${diskBytes(job.step * 1e6)} of ${diskBytes(job.steps * 1e6)}` : "";
  return (
    <>
      <Meter label={job.title} value={job.step} total={job.steps} />
      <p className="dim small">
        {job.state === "queued"
          ? `Waiting for ${job.waiting_for ?? "the worker"}`
          : `${job.phase}${done}${left}`}
      </p>
    </>
  );
}

function Checked({ backup }: { backup: Backup }) {
  if (!backup.verified_at) return <p className="dim small">Not checked yet</p>;
  if (!backup.damage.length) return <p className="dim small">Checked {ago(backup.verified_at)}: whole</p>;
  return (
    <p className="warn small" role="status">
      Checked {ago(backup.verified_at)}: {countOf(backup.damage.length, "problem")}. {backup.damage[0]} Make a
      new one, and look after the disk it lies on.
    </p>
  );
}

/** One backup: what it holds, whether it is whole, and what can be done with it. */
export function BackupRow({ backup }: { backup: Backup }) {
  const client = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const check = useMutation({
    mutationFn: () => call(startVerification({ path: { backup_id: backup.id } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["jobs"] }),
    onError: toastProblem,
  });
  const remove = useMutation({
    mutationFn: () => call(removeBackup({ path: { backup_id: backup.id } })),
    onSuccess: ({ freed_bytes }) => {
      setAsking(false);
      toastGood(freed_bytes ? `${diskBytes(freed_bytes)} are free again.` : "Removed.");
      return forgetBackups(client);
    },
    onError: toastProblem,
  });
  const isDone = backup.state === "done";
  const isBad = backup.state === "failed" || backup.damage.length > 0;
  const Icon = isBad ? CircleAlert : isDone ? CircleCheck : CircleDashed;
  const title = when(backup.created_at);
  return (
    <li className={classes.row} aria-label={`Backup of ${title}`}>
      <Icon
        size={17}
        className={`${classes.state} ${isBad ? "warn" : isDone ? "good" : "dim"}`}
        aria-label={isBad ? "Needs attention" : isDone ? "Made" : "Under way"}
      />
      <div className={classes.facts}>
        <p className={classes.name}>
          {title} <span className="dim small">{WHY[backup.origin]}</span>
        </p>
        {isDone && (
          <>
            <p className="small">
              {diskBytes(backup.byte_count ?? 0)}, of which {diskBytes(backup.new_bytes ?? 0)} new ·{" "}
              {countOf(backup.file_count ?? 0, "file")}, {countOf(backup.row_count ?? 0, "row")}
              {backup.lacks_key && " · without the key of stored secrets"}
            </p>
            <Checked backup={backup} />
          </>
        )}
        {backup.error && (
          <p className="warn small" role="status">
            {backup.error.title}. {backup.error.detail} {backup.error.action}
          </p>
        )}
        {backup.state === "failed" && !backup.error && (
          <p className="warn small">The program that made it was stopped. Make a new one.</p>
        )}
        <Progress backup={backup} />
      </div>
      <div className={classes.acts}>
        {isDone && (
          <Tooltip label="Check that it is whole">
            <ActionIcon
              aria-label={`Check the backup of ${title}`}
              loading={check.isPending}
              onClick={() => check.mutate()}
            >
              <ShieldCheck size={16} />
            </ActionIcon>
          </Tooltip>
        )}
        {(isDone || backup.state === "failed") && (
          <Tooltip label="Remove">
            <ActionIcon
              aria-label={`Remove the backup of ${title}`}
              onClick={() => (isDone ? setAsking(true) : remove.mutate())}
            >
              <Trash2 size={16} />
            </ActionIcon>
          </Tooltip>
        )}
      </div>
      <Modal
        opened={isAsking}
        onClose={() => setAsking(false)}
        title="Remove this backup for good?"
        onExitTransitionEnd={focusWhenLost}
      >
        <div className="stack">
          <p>The backup of {title} can’t be brought back. Other backups stay whole.</p>
          <Button variant="primary" loading={remove.isPending} onClick={() => remove.mutate()}>
            Remove it
          </Button>
        </div>
      </Modal>
    </li>
  );
}
