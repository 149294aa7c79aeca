import type { QueryClient } from "@tanstack/react-query";

import type { Progress, StudioEvent } from "./events";
import type { Checkpoint, Finetune, Generation, Job, LogLine, LossPoint, SampleSheet } from "./generated";

/** How far a phase is that is not counted in steps, such as preparing images. */
export interface PhaseCount {
  done: number;
  total: number;
}

type Change<T> = Partial<T> | ((old: T) => Partial<T>);

const change = <T>(old: T, by: Change<T>): T => ({ ...old, ...(typeof by === "function" ? by(old) : by) });

function patchIn<T>(client: QueryClient, key: unknown[], is: (item: T) => boolean, by: Change<T>): boolean {
  const list = client.getQueryData<T[]>(key);
  if (!list?.some(is)) return false;
  client.setQueryData<T[]>(
    key,
    list.map((item) => (is(item) ? change(item, by) : item)),
  );
  return true;
}

/** Add one image to a sheet, keeping steps in order and each cell once. */
export function withSample(
  sheet: SampleSheet,
  { row, step, prompt, image }: { row: number; step: number; prompt: string; image: Image_ },
): SampleSheet {
  const prompts = [...sheet.prompts];
  prompts[row] ??= prompt;
  return {
    prompts,
    steps: sheet.steps.includes(step) ? sheet.steps : [...sheet.steps, step].sort((a, b) => a - b),
    cells: [...sheet.cells.filter((cell) => cell.row !== row || cell.step !== step), { row, step, image }],
  };
}
type Image_ = SampleSheet["cells"][number]["image"];

/** Add one measured step; a step measured again after a resume replaces what came after it. */
export function withLoss(points: LossPoint[], progress: Progress): LossPoint[] {
  const point: LossPoint = {
    step: progress.step,
    loss: progress.loss ?? 0,
    smoothed: progress.smoothed ?? progress.loss ?? 0,
    learning_rate: progress.learning_rate ?? 0,
    grad_norm: progress.grad_norm ?? 0,
    seconds_per_step: progress.seconds_per_step ?? 0,
    memory_bytes: progress.memory_bytes ?? null,
    device_load: progress.device_load ?? null,
  };
  const last = points.at(-1);
  const kept = last && last.step >= point.step ? points.filter((old) => old.step < point.step) : points;
  return [...kept, point];
}

/** What an event says about how a job stands, for the tray, the lists and the pages alike. */
export function standing(
  event: StudioEvent,
): Partial<Pick<Job, "state" | "phase" | "step" | "steps" | "eta_s" | "error">> {
  switch (event.type) {
    case "job.queued":
      return { state: "queued" };
    case "job.started":
      return { state: "running" };
    case "job.phase":
      return { state: "running", phase: event.data.phase };
    case "job.progressed":
      return { state: "running", step: event.data.step, steps: event.data.steps, eta_s: event.data.eta_s };
    case "job.paused":
      return { state: "paused", eta_s: null };
    case "job.succeeded":
      return { state: "succeeded", eta_s: null };
    case "job.failed":
      return { state: "failed", eta_s: null, error: event.data.error };
    case "job.cancelled":
      return { state: "cancelled", eta_s: null };
    default:
      return {};
  }
}

function applyToFinetune(client: QueryClient, event: StudioEvent): void {
  const key = ["finetune", event.target_id];
  const by: Partial<Finetune> = standing(event);
  if (event.type === "job.progressed") {
    by.loss = event.data.loss ?? null;
    by.seconds_per_step = event.data.seconds_per_step ?? null;
    by.memory_bytes = event.data.memory_bytes ?? null;
    by.device_load = event.data.device_load ?? null;
    client.setQueryData<LossPoint[]>([...key, "loss"], (old) => old && withLoss(old, event.data));
  }
  if (event.type === "job.sampled") {
    by.cover = event.data.image;
    client.setQueryData<SampleSheet>([...key, "samples"], (old) => old && withSample(old, event.data));
  }
  if (event.type === "job.phase") {
    client.setQueryData<PhaseCount>([...key, "phase"], {
      done: event.data.done ?? 0,
      total: event.data.total ?? 0,
    });
  }
  if (event.type === "job.checkpointed") {
    const { step, byte_count } = event.data;
    const file_url = `/api/finetunes/${event.target_id}/checkpoints/${step}/file`;
    client.setQueryData<Checkpoint[]>(
      [...key, "checkpoints"],
      (old) =>
        old && [...old.filter((c) => c.step !== step), { step, byte_count, file_url, created_at: event.at }],
    );
  }
  if (event.type === "job.validated") void client.invalidateQueries({ queryKey: [...key, "validation"] });
  if (event.type === "job.validated" || event.type === "job.checkpointed")
    void client.invalidateQueries({ queryKey: [...key, "image-losses"] });
  if (event.type === "job.healed") void client.invalidateQueries({ queryKey: key, exact: true });
  if (event.type === "job.logged") {
    client.setQueryData<LogLine[]>(
      [...key, "log"],
      (old) => old && [...old, { at: event.at, ...event.data }],
    );
  }
  if (by.state) {
    by.paused_because = event.type === "job.paused" ? (event.data.reason ?? "user") : null;
    by.is_loaded = event.type === "job.paused" && (event.data.is_loaded ?? false);
  }
  if (event.type === "job.succeeded") by.model_id = event.data.model_id ?? null;
  if (Object.keys(by).length > 0) {
    client.setQueryData<Finetune>(key, (old) => old && change(old, by));
    patchIn<Finetune>(client, ["finetunes"], (item) => item.id === event.target_id, by);
  }
}

const withSlot = (generation: Generation, index: number, by: Partial<Generation["slots"][number]>) =>
  generation.slots.map((slot) => (slot.index === index ? { ...slot, ...by } : slot));

function applyToGeneration(client: QueryClient, event: StudioEvent): void {
  const is = (generation: Generation) => generation.id === event.target_id;
  let by: Change<Generation>;
  if (event.type === "job.progressed") {
    const { index = 0, step } = event.data;
    // A generation counts its steps over all its images, one after another.
    by = (old) => ({ state: "running", slots: withSlot(old, index, { step: step - index * old.steps }) });
  } else if (event.type === "job.image_finished") {
    const { index, result } = event.data;
    client.setQueryData(["gallery", "record", result.image.id], result);
    by = (old) => ({ slots: withSlot(old, index, { result, step: old.steps }) });
  } else {
    const { step: _step, steps: _steps, eta_s: _eta, ...rest } = standing(event);
    by = rest;
  }
  const known = patchIn<Generation>(client, ["generations"], is, by);
  if (!known) void client.invalidateQueries({ queryKey: ["generations"] });
  if (event.type === "job.image_finished") void client.invalidateQueries({ queryKey: ["gallery", "ids"] });
}

const ENDS = new Set(["job.succeeded", "job.failed", "job.cancelled", "job.paused"]);
const TURNS = new Set([...ENDS, "job.queued", "job.started"]);

/** Bring what the page knows up to date with one event. */
export function applyEvent(client: QueryClient, event: StudioEvent): void {
  const by: Partial<Job> = standing(event);
  if (!patchIn<Job>(client, ["jobs", "active"], (job) => job.id === event.job_id, by)) {
    void client.invalidateQueries({ queryKey: ["jobs"] });
  }
  if (event.kind === "finetune") applyToFinetune(client, event);
  if (event.kind === "generation") applyToGeneration(client, event);
  if (TURNS.has(event.type)) {
    void client.invalidateQueries({ queryKey: ["jobs"] });
    void client.invalidateQueries({ queryKey: ["system"] });
    if (event.kind === "finetune") {
      void client.invalidateQueries({ queryKey: ["finetunes"] });
      void client.invalidateQueries({ queryKey: ["finetune", event.target_id] });
      if (ENDS.has(event.type)) void client.invalidateQueries({ queryKey: ["models"] });
    } else if (event.kind === "health") {
      void client.invalidateQueries({ queryKey: ["health", event.target_id] });
    } else if (event.kind === "captions") {
      void client.invalidateQueries({ queryKey: ["dataset", event.target_id, "captions"] });
    } else if (event.kind === "backup") {
      void client.invalidateQueries({ queryKey: ["backups"] });
    } else if (event.kind === "cleaning") {
      void client.invalidateQueries({ queryKey: ["storage"] });
    } else if (event.kind === "probe") {
      void client.invalidateQueries({ queryKey: ["probe", event.target_id] });
      if (ENDS.has(event.type)) void client.invalidateQueries({ queryKey: ["plan"] });
    } else {
      void client.invalidateQueries({ queryKey: ["generations"] });
      if (event.kind === "generation") void client.invalidateQueries({ queryKey: ["hosted"] });
    }
  }
}

/** What every page is drawn by: who one is and what one may, which features are on, what things start from. */
const OF_THE_STUDIO = ["session", "settings", "flags", "defaults", "system", "people", "quotas"];

/** Ask again for what flags, settings and roles decide, because one of them has changed somewhere. */
export function askStudioAnew(client: QueryClient): void {
  void client.invalidateQueries({ predicate: ({ queryKey }) => OF_THE_STUDIO.includes(String(queryKey[0])) });
}
