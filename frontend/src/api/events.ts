import type { Finetune, GalleryImage, Image, Job, Problem } from "./generated";

interface Base {
  id: number;
  job_id: string;
  kind: Job["kind"];
  target_id: string;
  at: string;
}

/** Something that happened to a job, with the data its type carries. */
export type StudioEvent = Base &
  (
    | { type: "job.queued" | "job.started" | "job.cancelled"; data: Record<string, unknown> }
    | { type: "job.phase"; data: { phase: string; done: number | null; total: number | null } }
    | { type: "job.progressed"; data: Progress }
    | { type: "job.sampled"; data: { row: number; step: number; prompt: string; image: Image } }
    | { type: "job.checkpointed"; data: { step: number; byte_count: number } }
    | { type: "job.image_finished"; data: { index: number; result: GalleryImage } }
    | { type: "job.logged"; data: { level: string; message: string } }
    | { type: "job.validated" | "job.healed"; data: Record<string, unknown> }
    | { type: "job.paused"; data: { reason?: Finetune["paused_because"]; is_loaded?: boolean } }
    | { type: "job.succeeded"; data: { model_id?: string | null } }
    | { type: "job.failed"; data: { error: Problem } }
  );

export interface Progress {
  step: number;
  steps: number;
  eta_s: number | null;
  index?: number;
  loss?: number;
  smoothed?: number;
  learning_rate?: number;
  grad_norm?: number;
  seconds_per_step?: number;
  memory_bytes?: number | null;
  device_load?: number | null;
}

export const EVENT_TYPES: StudioEvent["type"][] = [
  "job.queued",
  "job.started",
  "job.phase",
  "job.progressed",
  "job.sampled",
  "job.checkpointed",
  "job.validated",
  "job.healed",
  "job.image_finished",
  "job.logged",
  "job.paused",
  "job.succeeded",
  "job.failed",
  "job.cancelled",
];
