import type { Job } from "@/api/generated";

/** The jobs of a lane that wait, in turn. Nothing waits for a job of another lane. */
export const waiting = (jobs: Job[], lane: Job["lane"] = "device") =>
  jobs.filter((job) => job.state === "queued" && job.lane === lane);

/**
 * Before which job another must stand to come one place earlier or later; null is last, undefined: it can't move so.
 */
export function placeFor(jobs: Job[], id: string, by: -1 | 1): string | null | undefined {
  const queue = waiting(jobs, jobs.find((job) => job.id === id)?.lane);
  const at = queue.findIndex((job) => job.id === id);
  if (at < 0 || at + by < 0 || at + by >= queue.length) return undefined;
  return by < 0 ? queue[at - 1].id : (queue[at + 2]?.id ?? null);
}
