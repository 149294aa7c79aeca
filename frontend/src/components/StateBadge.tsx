import { Ban, CircleAlert, CircleCheck, CircleDashed, CirclePause, LoaderCircle } from "lucide-react";

import type { Job } from "@/api/generated";

import classes from "./StateBadge.module.css";

const LOOK = {
  queued: { word: "Waiting", Icon: CircleDashed, tone: "quiet" },
  running: { word: "Running", Icon: LoaderCircle, tone: "accent" },
  paused: { word: "Paused", Icon: CirclePause, tone: "warn" },
  succeeded: { word: "Finished", Icon: CircleCheck, tone: "good" },
  failed: { word: "Failed", Icon: CircleAlert, tone: "bad" },
  cancelled: { word: "Cancelled", Icon: Ban, tone: "quiet" },
} as const;

export function StateBadge({ state, word }: { state: Job["state"]; word?: string }) {
  const { word: usual, Icon, tone } = LOOK[state];
  return (
    <span className={classes.badge} data-tone={tone}>
      <Icon size={13} aria-hidden className={state === "running" ? classes.turning : undefined} />
      {word ?? usual}
    </span>
  );
}

export function Badge({
  tone = "quiet",
  children,
}: {
  tone?: "quiet" | "good" | "warn" | "bad" | "accent";
  children: React.ReactNode;
}) {
  return (
    <span className={classes.badge} data-tone={tone}>
      {children}
    </span>
  );
}
