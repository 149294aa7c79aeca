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
  validating: "Measuring the validation loss",
  measuring: "Measuring",
};

/** A phase in words; unknown phases are shown as the server names them. */
export const phaseWords = (phase: string): string =>
  WORDS[phase] ?? (phase ? phase[0].toUpperCase() + phase.slice(1) : "Starting");

/** What a run is doing, in words. */
export function phaseOf(run: Pick<Finetune, "state" | "phase" | "waiting_for" | "is_stopping">): string {
  if (run.state === "queued") return run.waiting_for ? `Waiting for ${run.waiting_for}` : "Waiting to start";
  if (run.state === "paused") return "Paused";
  if (run.state === "succeeded") return "Finished";
  if (run.state === "failed") return "Stopped by an error";
  if (run.state === "cancelled") return "Cancelled";
  if (run.is_stopping) return "Stopping after this step";
  return phaseWords(run.phase);
}

/** What a pause means: why, whether the model is still at hand, and what Resume will do. */
export function pauseWords(
  run: Pick<Finetune, "state" | "step" | "started_at" | "paused_because" | "is_loaded">,
): string | null {
  if (run.state !== "paused") return null;
  if (!run.started_at) return "It has not begun. Resume puts it back into the queue.";
  if (run.paused_because === "disk-full")
    return `The disk is full. Free some room, then Resume goes on from step ${run.step}.`;
  if (!run.is_loaded)
    return `Saved at step ${run.step}. Resume loads the model again and goes on from there.`;
  return (
    `Saved at step ${run.step}. The model stays loaded for some minutes, so that Resume goes on at once. ` +
    "If something else needs the device, it leaves, and Resume loads it again."
  );
}

export const isLive = (state: Finetune["state"]) =>
  state === "queued" || state === "running" || state === "paused";
