import type { LossPoint } from "@/api/generated";

const MOST = 500;

/** So many points as can be told apart on a screen: first and last stay, raw loss keeps its mean. */
export function thinned(points: LossPoint[], most = MOST): Pick<LossPoint, "step" | "loss" | "smoothed">[] {
  if (points.length <= most) return points;
  const size = points.length / most;
  return Array.from({ length: most }, (_, index) => {
    const bucket = points.slice(Math.floor(index * size), Math.floor((index + 1) * size));
    const last = bucket[bucket.length - 1];
    return {
      step: last.step,
      smoothed: last.smoothed,
      loss: bucket.reduce((sum, point) => sum + point.loss, 0) / bucket.length,
    };
  });
}
