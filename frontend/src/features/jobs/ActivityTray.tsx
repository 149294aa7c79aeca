import { Popover, UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Activity, Archive, Brush, Gauge, HeartPulse, Sparkles, TextQuote, TrendingDown } from "lucide-react";
import { useState, type ReactNode } from "react";

import type { Job } from "@/api/generated";
import { activeJobsQuery, queueQuery } from "@/api/queries";
import { duration } from "@/components/format";
import { Meter } from "@/components/Meter";
import { MoveButtons } from "@/components/queue/MoveButtons";

import classes from "./ActivityTray.module.css";

function standing(job: Job): string {
  if (job.state === "queued") return job.waiting_for ? `Waiting for ${job.waiting_for}` : "Waiting to start";
  if (job.state === "paused") return `Paused at step ${job.step} of ${job.steps}`;
  const unit = job.kind === "backup" ? "MB" : "step";
  const counted = job.step > 0 ? `${unit} ${job.step} of ${job.steps}` : null;
  const eta = job.eta_s ? `about ${duration(job.eta_s)} left` : null;
  return [job.phase || "running", counted, eta].filter(Boolean).join(" · ");
}

const ICONS = {
  finetune: TrendingDown,
  generation: Sparkles,
  health: HeartPulse,
  probe: Gauge,
  captions: TextQuote,
  backup: Archive,
  cleaning: Brush,
};

/** Where a job's work is shown. */
function Place({ job, onOpen, children }: { job: Job; onOpen: () => void; children: ReactNode }) {
  const props = { className: classes.entry, onClick: onOpen };
  if (job.kind === "generation")
    return (
      <Link to="/create" {...props}>
        {children}
      </Link>
    );
  if (job.kind === "captions")
    return (
      <Link to="/datasets/$datasetId" params={{ datasetId: job.target_id }} {...props}>
        {children}
      </Link>
    );
  if (job.kind === "backup" || job.kind === "cleaning")
    return (
      <Link to={job.kind === "backup" ? "/system/backups" : "/system/storage"} {...props}>
        {children}
      </Link>
    );
  if (job.kind === "probe")
    return (
      <Link to="/finetunes/new" {...props}>
        {children}
      </Link>
    );
  return (
    <Link to="/finetunes/$finetuneId" params={{ finetuneId: job.target_id }} {...props}>
      {children}
    </Link>
  );
}

function Entry({ job, jobs, onOpen }: { job: Job; jobs: Job[]; onOpen: () => void }) {
  const Icon = ICONS[job.kind];
  return (
    <li className={classes.item}>
      <Place job={job} onOpen={onOpen}>
        <span className={classes.line}>
          <Icon size={15} aria-hidden />
          <span className="clip">{job.title}</span>
        </span>
        <Meter label={`Progress of ${job.title}`} value={job.step} total={job.steps} size={4} />
        <span className={classes.standing}>{standing(job)}</span>
      </Place>
      <MoveButtons job={job} jobs={jobs} />
    </li>
  );
}

/** What runs, then what waits in turn, then what is paused. */
function inTurn(active: Job[], turn: Job[]): Job[] {
  const placeOf = ({ id, state }: Job) => {
    const at = turn.findIndex((job) => job.id === id);
    return state === "paused" ? Infinity : at < 0 ? turn.length : at;
  };
  return [...active].sort((a, b) => (placeOf(a) === placeOf(b) ? 0 : placeOf(a) - placeOf(b)));
}

/** Every running job with real progress, from anywhere. */
export function ActivityTray() {
  const [isOpen, setOpen] = useState(false);
  const active = useQuery(activeJobsQuery).data ?? [];
  const turn = useQuery(queueQuery).data ?? [];
  const jobs = inTurn(active, turn);
  const lead = jobs.find((job) => job.state === "running");
  const share = lead && lead.steps > 0 ? Math.round((100 * lead.step) / lead.steps) : 0;
  return (
    <Popover opened={isOpen} onChange={setOpen} position="bottom-end" width={340} trapFocus>
      <Popover.Target>
        <UnstyledButton
          className={classes.button}
          data-busy={jobs.length > 0 || undefined}
          onClick={() => setOpen(!isOpen)}
          aria-label={jobs.length ? `Activity: ${jobs.length} running` : "Activity"}
          aria-expanded={isOpen}
        >
          {lead ? (
            <svg width="18" height="18" viewBox="0 0 20 20" aria-hidden className={classes.ring}>
              <circle cx="10" cy="10" r="8" />
              <circle cx="10" cy="10" r="8" pathLength="100" strokeDasharray={`${Math.max(share, 3)} 100`} />
            </svg>
          ) : (
            <Activity size={17} strokeWidth={1.8} aria-hidden />
          )}
          <span className={classes.text}>
            {lead ? `${share} %` : jobs.length ? `${jobs.length} waiting` : "Activity"}
          </span>
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown p={8}>
        {jobs.length === 0 ? (
          <p className={classes.none}>Nothing is running. Finetunes and images being made show up here.</p>
        ) : (
          <ul className={classes.list} aria-label="Running jobs">
            {jobs.map((job) => (
              <Entry key={job.id} job={job} jobs={turn} onOpen={() => setOpen(false)} />
            ))}
          </ul>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}
