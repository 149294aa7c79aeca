import type { Edits, Crop } from "@/api/generated";

/** Pure arithmetic of the editor. A recipe turns the original clockwise, then mirrors it, then cuts. */
export type Recipe = Required<Pick<Edits, "turn" | "mirror">> & { crop: Crop | null };
export interface Sides {
  width: number;
  height: number;
}
export type Corner = "nw" | "ne" | "sw" | "se";

export const NO_EDITS: Recipe = { turn: 0, mirror: false, crop: null };
const LEAST = 16;

export const PRESETS: { label: string; aspect: number | null }[] = [
  { label: "Free", aspect: null },
  { label: "1:1", aspect: 1 },
  { label: "4:5", aspect: 4 / 5 },
  { label: "5:4", aspect: 5 / 4 },
  { label: "2:3", aspect: 2 / 3 },
  { label: "3:2", aspect: 3 / 2 },
  { label: "9:16", aspect: 9 / 16 },
  { label: "16:9", aspect: 16 / 9 },
];

export const recipeOf = (edits: Edits | null | undefined): Recipe =>
  edits ? { turn: edits.turn ?? 0, mirror: edits.mirror ?? false, crop: edits.crop ?? null } : NO_EDITS;

/** The size of the picture once turned, which cuts are measured in. */
export const turned = (original: Sides, recipe: Recipe): Sides =>
  recipe.turn % 180 === 0
    ? { width: original.width, height: original.height }
    : { width: original.height, height: original.width };

const quarter = (turn: number) => (((turn % 360) + 360) % 360) as Recipe["turn"];

/** Turn what is seen, cut and all, by a quarter. */
export function turn(recipe: Recipe, original: Sides, isClockwise: boolean): Recipe {
  const { width, height } = turned(original, recipe);
  // What is mirrored turns the other way round when its original is turned.
  const by = isClockwise === recipe.mirror ? -90 : 90;
  const { crop } = recipe;
  const cut = crop && {
    left: isClockwise ? height - crop.top - crop.height : crop.top,
    top: isClockwise ? crop.left : width - crop.left - crop.width,
    width: crop.height,
    height: crop.width,
  };
  return { turn: quarter(recipe.turn + by), mirror: recipe.mirror, crop: cut };
}

export function mirror(recipe: Recipe, original: Sides): Recipe {
  const { width } = turned(original, recipe);
  const { crop } = recipe;
  return {
    ...recipe,
    mirror: !recipe.mirror,
    crop: crop && { ...crop, left: width - crop.left - crop.width },
  };
}

const within = (value: number, least: number, most: number) => Math.max(least, Math.min(most, value));

export function moved(crop: Crop, by: { x: number; y: number }, sides: Sides): Crop {
  return {
    ...crop,
    left: Math.round(within(crop.left + by.x, 0, sides.width - crop.width)),
    top: Math.round(within(crop.top + by.y, 0, sides.height - crop.height)),
  };
}

/** Drag a corner; the opposite one stays, the aspect too if there is one, and nothing leaves the picture. */
export function resized(
  crop: Crop,
  corner: Corner,
  by: { x: number; y: number },
  sides: Sides,
  aspect: number | null,
): Crop {
  const isWest = corner.endsWith("w");
  const isNorth = corner.startsWith("n");
  const fixed = { x: crop.left + (isWest ? crop.width : 0), y: crop.top + (isNorth ? crop.height : 0) };
  const room = { x: isWest ? fixed.x : sides.width - fixed.x, y: isNorth ? fixed.y : sides.height - fixed.y };
  let width = within(crop.width + (isWest ? -by.x : by.x), Math.min(LEAST, room.x), room.x);
  let height = within(crop.height + (isNorth ? -by.y : by.y), Math.min(LEAST, room.y), room.y);
  if (aspect !== null) {
    width = Math.min(Math.max(width, height * aspect), room.x, room.y * aspect);
    height = width / aspect;
  }
  width = Math.max(1, Math.round(width));
  height = Math.max(1, Math.round(height));
  return {
    left: Math.round(within(isWest ? fixed.x - width : fixed.x, 0, sides.width - width)),
    top: Math.round(within(isNorth ? fixed.y - height : fixed.y, 0, sides.height - height)),
    width,
    height,
  };
}

/** The largest cut of an aspect in the middle of the picture. */
export function centred(aspect: number, sides: Sides): Crop {
  const isWide = sides.width / sides.height > aspect;
  const width = isWide ? Math.max(1, Math.round(sides.height * aspect)) : sides.width;
  const height = isWide ? sides.height : Math.max(1, Math.round(sides.width / aspect));
  return {
    left: Math.round((sides.width - width) / 2),
    top: Math.round((sides.height - height) / 2),
    width,
    height,
  };
}

/** What is sent: no cut where it cuts nothing, nothing where nothing is done. */
export function tidy(recipe: Recipe, original: Sides): Edits | null {
  const { width, height } = turned(original, recipe);
  const { crop } = recipe;
  const isWhole = crop && crop.width === width && crop.height === height;
  const cut = isWhole ? null : crop;
  return recipe.turn === 0 && !recipe.mirror && !cut ? null : { ...recipe, crop: cut };
}
