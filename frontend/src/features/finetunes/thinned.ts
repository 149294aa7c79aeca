import type { LossPoint, ValidationPoint } from "@/api/generated";

const MOST = 500;

/** One place of the loss chart: measured steps, with the validation losses in between. */
export interface CurvePoint {
  step: number;
  loss?: number;
  smoothed?: number;
  validation?: number;
}

/** So many points as can be told apart on a screen: first and last stay, raw values keep their mean. */
export function thinned(points: LossPoint[], most = MOST): LossPoint[] {
  if (points.length <= most) return points;
  const size = points.length / most;
  const mean = (bucket: LossPoint[], name: "loss" | "grad_norm" | "seconds_per_step") =>
    bucket.reduce((sum, point) => sum + point[name], 0) / bucket.length;
  return Array.from({ length: most }, (_, index) => {
    const bucket = points.slice(Math.floor(index * size), Math.floor((index + 1) * size));
    return {
      ...bucket[bucket.length - 1],
      loss: mean(bucket, "loss"),
      grad_norm: mean(bucket, "grad_norm"),
      seconds_per_step: mean(bucket, "seconds_per_step"),
    };
  });
}

/** Measured steps and validation losses along one axis. */
export function curveOf(
  points: LossPoint[],
  validation: Pick<ValidationPoint, "step" | "loss">[],
): CurvePoint[] {
  const at = new Map<number, CurvePoint>();
  for (const { step, loss, smoothed } of thinned(points)) at.set(step, { step, loss, smoothed });
  for (const { step, loss } of validation) at.set(step, { ...(at.get(step) ?? { step }), validation: loss });
  return [...at.values()].sort((a, b) => a.step - b.step);
}

export type Reading = "learning_rate" | "grad_norm" | "seconds_per_step" | "memory_bytes" | "device_load";

export const READINGS: { value: Reading; title: string; what: string }[] = [
  { value: "learning_rate", title: "Learning rate", what: "How large each improvement is." },
  {
    value: "grad_norm",
    title: "Gradient norm",
    what: "How strongly each step wants to change the adapter. Sudden peaks are a sign of trouble.",
  },
  { value: "seconds_per_step", title: "Seconds per step", what: "How long a step takes." },
  { value: "memory_bytes", title: "Memory", what: "What the training holds on its device." },
  { value: "device_load", title: "Device load", what: "How busy the device is; low means that it waits." },
];

/** The readings that were measured at all, with the newest value of each. */
export function measured(points: LossPoint[]): { reading: Reading; last: number }[] {
  return READINGS.flatMap(({ value }) => {
    const last = points.findLast((point) => point[value] !== null && point[value] !== undefined)?.[value];
    return last === undefined || last === null ? [] : [{ reading: value, last }];
  });
}

/** What the newest validation says, in a sentence. */
export function validationWords(points: ValidationPoint[], format: (value: number) => string): string | null {
  const last = points.at(-1);
  if (!last) return null;
  const images = `${last.image_count} ${last.image_count === 1 ? "image" : "images"}`;
  const on =
    last.on === "held-out"
      ? `on ${images} held out of training`
      : `on ${images} that are also trained on, so it says less about new ones`;
  const share = last.base_loss ? Math.round(100 * (1 - last.loss / last.base_loss)) : null;
  const against =
    last.base_loss === null || share === null
      ? ""
      : share === 0
        ? `, as the untouched base (${format(last.base_loss)})`
        : `, ${Math.abs(share)} % ${share > 0 ? "below" : "above"} the untouched base (${format(last.base_loss)})`;
  return `Validation ${format(last.loss)} at step ${last.step}${against}. Measured ${on}.`;
}
