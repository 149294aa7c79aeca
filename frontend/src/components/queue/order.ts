import type { Job } from "@/api/generated";

/** The jobs that wait, in turn. */
export const waiting = (jobs: Job[]) => jobs.filter(({ state }) => state === "queued");

/**
 * Before which job another must stand to come one place earlier or later; null is last, undefined: it can't move so.
 */
export function placeFor(jobs: Job[], id: string, by: -1 | 1): string | null | undefined {
  const queue = waiting(jobs);
  const at = queue.findIndex((job) => job.id === id);
  if (at < 0 || at + by < 0 || at + by >= queue.length) return undefined;
  return by < 0 ? queue[at - 1].id : (queue[at + 2]?.id ?? null);
}
