import { Link } from "@tanstack/react-router";
import { CircleAlert, CircleCheck, LoaderCircle } from "lucide-react";

import type { SystemInfo } from "@/api/generated";
import { Command } from "@/components/CopyButton";

import classes from "./Home.module.css";

/** Whether this computer can train now, and if not, what to do. */
export function Readiness({ system }: { system: SystemInfo }) {
  const { engine, worker } = system;
  if (engine.is_ready && worker.state === "ready") {
    return (
      <p className={classes.ready}>
        <CircleCheck size={16} aria-hidden className="good" /> Ready on {engine.device_name || engine.device}
        <Link to="/system">Details</Link>
      </p>
    );
  }
  if (engine.is_ready && worker.state === "starting") {
    return (
      <p className={classes.ready}>
        <LoaderCircle size={16} aria-hidden className={classes.turning} /> The worker is starting
      </p>
    );
  }
  return (
    <div className={classes.notReady}>
      <CircleAlert size={18} aria-hidden className="warn" />
      <div className="stack" style={{ gap: 8 }}>
        {!engine.is_ready && <strong>This computer can’t train yet</strong>}
        {!engine.is_ready &&
          engine.missing.map(({ name, reason, command }) => (
            <div key={name} className="stack" style={{ gap: 4 }}>
              <span>
                {name}: {reason}
              </span>
              {command && <Command>{command}</Command>}
            </div>
          ))}
        {worker.state === "lost" && (
          <span>
            <strong>The worker does not answer.</strong> It is started again by itself; jobs go on where they
            were.
          </span>
        )}
      </div>
    </div>
  );
}
