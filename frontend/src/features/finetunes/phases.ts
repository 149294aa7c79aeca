import type { Finetune } from "@/api/generated";

const WORDS: Record<string, string> = {
  waiting: "Waiting to start",
  starting: "Starting",
  preparing: "Preparing the run",
  recovering: "Going on after an interruption",
  loading: "Loading the base",
  caching: "Preparing the images",
  "sampling base": "Drawing with the untouched base",
  training: "Training",
  sampling: "Drawing samples",
  saving: "Saving",
};

/** What a run is doing, in words; unknown phases are shown as the server names them. */
export function phaseOf(run: Pick<Finetune, "state" | "phase" | "waiting_for" | "is_stopping">): string {
  if (run.state === "queued") return run.waiting_for ? `Waiting for ${run.waiting_for}` : "Waiting to start";
  if (run.state === "paused") return "Paused";
  if (run.state === "succeeded") return "Finished";
  if (run.state === "failed") return "Stopped by an error";
  if (run.state === "cancelled") return "Cancelled";
  if (run.is_stopping) return "Stopping after this step";
  return WORDS[run.phase] ?? (run.phase ? run.phase[0].toUpperCase() + run.phase.slice(1) : "Starting");
}

export const isLive = (state: Finetune["state"]) =>
  state === "queued" || state === "running" || state === "paused";
