import type { GenerationDefaults } from "@/api/generated";

export const SHAPES = [
  { name: "1:1", title: "Square", ratio: 1 },
  { name: "4:3", title: "Landscape 4 to 3", ratio: 4 / 3 },
  { name: "3:4", title: "Portrait 3 to 4", ratio: 3 / 4 },
  { name: "16:9", title: "Wide 16 to 9", ratio: 16 / 9 },
  { name: "9:16", title: "Tall 9 to 16", ratio: 9 / 16 },
] as const;

export type ShapeName = (typeof SHAPES)[number]["name"];
/** `auto`: what the model finds fitting, where it can. */
export type Shape = ShapeName | "auto";

export interface Size {
  width: number;
  height: number;
}

const onGrid = (value: number, grid: number) => Math.max(grid * 4, Math.round(value / grid) * grid);

/** A size of the wanted shape with about as many pixels as the base likes, within its limits. */
export function sizeFor(
  shape: Shape,
  defaults: Pick<GenerationDefaults, "width" | "height" | "max_width" | "max_height">,
  grid = 16,
): Size {
  const ratio = SHAPES.find(({ name }) => name === shape)?.ratio ?? 1;
  const area = defaults.width * defaults.height;
  const width = Math.sqrt(area * ratio);
  const fit = Math.min(1, defaults.max_width / width, defaults.max_height / (width / ratio));
  return { width: onGrid(width * fit, grid), height: onGrid((width / ratio) * fit, grid) };
}

/** The shape nearest to a size. */
export function shapeOf(width: number, height: number): ShapeName {
  const distance = (ratio: number) => Math.abs(Math.log(width / height / ratio));
  return [...SHAPES].sort((a, b) => distance(a.ratio) - distance(b.ratio))[0].name;
}
