import { CircleAlert, CircleX, Info, TriangleAlert } from "lucide-react";
import { useState } from "react";

import type { LogRecord } from "@/api/generated";
import { CopyButton } from "@/components/CopyButton";

import classes from "./Logs.module.css";
import { restOf, timeOf, type Wanted } from "./wanted";

const LEVEL = {
  debug: { label: "Debug", Icon: Info, tone: undefined },
  info: { label: "Info", Icon: Info, tone: undefined },
  warning: { label: "Warning", Icon: TriangleAlert, tone: "warn" },
  error: { label: "Error", Icon: CircleX, tone: "bad" },
  critical: { label: "Critical", Icon: CircleAlert, tone: "bad" },
} as const;

interface LineProps {
  line: LogRecord;
  onNarrow: (change: Partial<Wanted>) => void;
}

/** Everything in a line, and buttons that show only those of the same job, request or part. */
function Details({ line, onNarrow }: LineProps) {
  const narrow = [
    { name: "part", value: line.part, label: `Only ${line.part}` },
    { name: "job_id", value: line.job_id, label: "Only this job" },
    { name: "request_id", value: line.request_id, label: "Only this request" },
  ].filter(({ value }) => value);
  return (
    <div className={classes.details}>
      <dl className="facts">
        {line.logger && (
          <>
            <dt>Logger</dt>
            <dd className="mono">{line.logger}</dd>
          </>
        )}
        {line.job_id && (
          <>
            <dt>Job</dt>
            <dd className="mono">{line.job_id}</dd>
          </>
        )}
        {line.request_id && (
          <>
            <dt>Request</dt>
            <dd className="mono">{line.request_id}</dd>
          </>
        )}
      </dl>
      {line.exception && <pre className={classes.exception}>{line.exception}</pre>}
      <div className={classes.buttons}>
        {narrow.map(({ name, value, label }) => (
          <button key={name} type="button" onClick={() => onNarrow({ [name]: value ?? "" })}>
            {label}
          </button>
        ))}
        <CopyButton value={JSON.stringify(line, null, 1)} label="Copy the line" />
      </div>
    </div>
  );
}

function Line({ line, onNarrow }: LineProps) {
  const [isOpen, setOpen] = useState(false);
  const { label, Icon, tone } = LEVEL[line.level];
  return (
    <li className={classes.line} data-level={line.level}>
      <button
        type="button"
        className={classes.summary}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <time dateTime={line.at ?? undefined}>{timeOf(line.at)}</time>
        <Icon size={14} className={tone} aria-label={label} />
        <span className={classes.part}>
          {line.process}
          {line.part && line.part !== line.process && ` · ${line.part}`}
        </span>
        <span className={classes.event}>
          {line.event} <span className="dim">{restOf(line)}</span>
        </span>
      </button>
      {isOpen && <Details line={line} onNarrow={onNarrow} />}
    </li>
  );
}

export function LogLines({ lines, onNarrow }: { lines: LogRecord[]; onNarrow: LineProps["onNarrow"] }) {
  return (
    <ul className={classes.lines} aria-label="Lines of the log">
      {lines.map((line) => (
        <Line key={line.id} line={line} onNarrow={onNarrow} />
      ))}
    </ul>
  );
}
