/** Hosted models: what their form asks for, and the request it makes. Everything follows from the server's schema. */

import type { Generation, GenerationCreate, HostedModel } from "@/api/generated";
import { fieldsOf, type Field } from "@/components/schema-form/fields";
import { shapeOf, SHAPES, sizeFor, type Shape, type Size } from "@/components/shapes";

import { isSame, type Draft } from "./draft";

interface Property {
  title?: string;
  description?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  multipleOf?: number;
  anyOf?: Property[];
  holds?: string;
}

/** One image a model takes. References are numbered and spoken of in the prompt; others have a part of their own. */
export interface Place {
  field: string;
  title: string;
  help: string;
  isRequired: boolean;
  isReference: boolean;
  /** It says which part of the image in the place before changes. */
  isMask: boolean;
}

const propertiesOf = (model: HostedModel) => (model.parameters?.properties ?? {}) as Record<string, Property>;
const requiredOf = (model: HostedModel) => (model.parameters?.required ?? []) as string[];
const isReference = (field: string) => field === "images" || field.startsWith("input_image");

export const takesPrompt = (model: HostedModel) => "prompt" in propertiesOf(model);

/** How a model is told the shape: in pixels, as a ratio, or not at all (or in a way of its own, field by field). */
export function shapedBy(model: HostedModel): "pixels" | "ratio" | null {
  const properties = propertiesOf(model);
  if (requiredOf(model).includes("width")) return null;
  if ("width" in properties) return "pixels";
  return "aspect_ratio" in properties ? "ratio" : null;
}

/** Can it choose the shape itself, such as that of the image it is given? */
export function canBeAutomatic(model: HostedModel): boolean {
  const { width, aspect_ratio: ratio } = propertiesOf(model);
  const by = shapedBy(model);
  return by === "pixels"
    ? width.default == null
    : by === "ratio" && [undefined, null, "auto"].includes(ratio.default as null);
}

/** How long a side may be, in pixels, and of what it must be a multiple. */
export function limitsOf(model: HostedModel): { least: number; most: number; grid: number } {
  const { width } = propertiesOf(model);
  const rule = width.anyOf?.find(({ multipleOf }) => multipleOf) ?? width;
  return { least: rule.minimum ?? 64, most: rule.maximum ?? 2048, grid: rule.multipleOf ?? 16 };
}

/** The size in pixels a draft asks of a model; null leaves it to the model. */
export function sizeOf(draft: Pick<Draft, "shape" | "size">, model: HostedModel): Size | null {
  if (draft.size) return draft.size;
  if (draft.shape === "auto" && canBeAutomatic(model)) return null;
  const { most, grid } = limitsOf(model);
  return sizeFor(draft.shape, { width: 1024, height: 1024, max_width: most, max_height: most }, grid);
}

export function placesOf(model: HostedModel): Place[] {
  const properties = propertiesOf(model);
  return model.image_fields.flatMap((field): Place[] => {
    const { title = field, description = "", holds } = properties[field] ?? {};
    const isRequired = requiredOf(model).includes(field);
    const place = { field, title, help: description, isRequired, isMask: holds === "mask" };
    const isOne = !isReference(field) || (model.max_images === 1 && field !== "images");
    if (isOne) return [{ ...place, isReference: false }];
    const many = field === "images" ? model.max_images : 1;
    return Array.from({ length: many }, () => ({ ...place, isReference: true }));
  });
}

/** Names that have a place of their own on the screen. */
function apart(model: HostedModel): string[] {
  const by = shapedBy(model);
  return [
    ...["prompt", "seed", "version"],
    ...model.image_fields,
    ...(by === "pixels" ? ["width", "height"] : []),
  ];
}

/** The schema of what is asked for field by field. A ratio is chosen by shape; any other one is for who looks. */
export function formOf(model: HostedModel): Record<string, unknown> {
  const left = apart(model);
  const properties = Object.entries(propertiesOf(model)).filter(([name]) => !left.includes(name));
  return {
    properties: Object.fromEntries(
      properties.map(([name, property]) => [
        name,
        name === "aspect_ratio" ? { ...property, title: "Another ratio", level: "more" } : property,
      ]),
    ),
  };
}

/** What of the values a model takes; others wait for a model that does. */
export function valuesFor(model: HostedModel, values: Record<string, unknown>): Record<string, unknown> {
  const names = new Set(fieldsOf(formOf(model)).map(({ name }) => name));
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.has(name)));
}

const fits = ({ kind, choices, minimum, maximum }: Field, value: unknown) =>
  value === null ||
  (kind === "choice"
    ? choices.includes(String(value))
    : typeof value !== "number" ||
      ((minimum === undefined || value >= minimum) && (maximum === undefined || value <= maximum)));

/** What a draft brings along to another hosted model: values out of its range go back to what is usual there. */
export function bringTo(model: HostedModel, draft: Draft): Partial<Draft> {
  const fields = new Map(fieldsOf(formOf(model)).map((field) => [field.name, field]));
  const kept = Object.entries(draft.parameters).filter(([name, value]) => {
    const field = fields.get(name);
    return !field || fits(field, value);
  });
  const { size } = draft;
  const fitsIn = ({ width, height }: Size) => {
    if (shapedBy(model) !== "pixels") return false;
    const { least, most, grid } = limitsOf(model);
    return [width, height].every((side) => side >= least && side <= most && side % grid === 0);
  };
  const canKeep = !size || fitsIn(size);
  return {
    parameters: Object.fromEntries(kept),
    ...(canKeep ? {} : { size: null, shape: shapeOf(size.width, size.height) }),
  };
}

function imagesFor(model: HostedModel, images: string[]): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  placesOf(model).forEach(({ field }, index) => {
    if (!images[index]) return;
    given[field] =
      field === "images" ? [...((given.images as string[]) ?? []), images[index]] : images[index];
  });
  return given;
}

export function asHostedRequest(draft: Draft, model: HostedModel): GenerationCreate {
  const by = shapedBy(model);
  const size = by === "pixels" ? sizeOf(draft, model) : null;
  const isAuto = draft.shape === "auto" && canBeAutomatic(model);
  const shape = draft.shape === "auto" ? "1:1" : draft.shape;
  return {
    model_id: model.id,
    // The server asks for one; of a model that takes none it is a blank.
    prompt: (takesPrompt(model) && draft.prompt.trim()) || " ",
    count: draft.count,
    ...(model.has_seed && draft.seed !== null ? { seed: draft.seed } : {}),
    ...(draft.key_name ? { key_name: draft.key_name } : {}),
    parameters: {
      ...(size ?? {}),
      ...(by === "ratio" && !isAuto ? { aspect_ratio: shape } : {}),
      ...valuesFor(model, draft.parameters),
      ...imagesFor(model, draft.images),
    },
  };
}

/** What must still be given, as one says it. */
export function lacking(draft: Draft, model: HostedModel): string[] {
  const required = requiredOf(model);
  const given = asHostedRequest(draft, model).parameters ?? {};
  const hasImage = placesOf(model).some((_, index) => draft.images[index]);
  const wantsPrompt = required.includes("prompt") || (takesPrompt(model) && !hasImage);
  const fields = required.filter((name) => name !== "prompt" && (given[name] ?? "") === "");
  return [
    ...(wantsPrompt && !draft.prompt.trim() ? ["a prompt"] : []),
    ...fields.map((name) => {
      const title = (propertiesOf(model)[name]?.title ?? name).toLowerCase();
      return /^[aeiou]/.test(title) ? `an ${title}` : `a ${title}`;
    }),
  ];
}

const isShape = (name: unknown): name is Shape => SHAPES.some((shape) => shape.name === name);

/** The draft that asks for the images of a hosted generation again. */
export function fromGeneration(old: Generation, seed: number | null, model: HostedModel): Partial<Draft> {
  const { width, height, aspect_ratio: ratio, ...given } = old.parameters;
  const parameters = valuesFor(model, given);
  const images = placesOf(model).map(({ field }, index) => {
    const value = given[field];
    return String((Array.isArray(value) ? value[index] : value) ?? "");
  });
  while (images.at(-1) === "") images.pop();
  const by = shapedBy(model);
  let shape: Shape = canBeAutomatic(model) ? "auto" : "1:1";
  let size: Size | null = null;
  if (by === "pixels" && typeof width === "number" && typeof height === "number") {
    shape = shapeOf(width, height);
    const usual = sizeOf({ shape, size: null }, model);
    size = usual && isSame(usual, { width, height }) ? null : { width, height };
  } else if (by === "ratio" && isShape(ratio)) shape = ratio;
  else if (by === "ratio" && ratio != null && ratio !== "auto") parameters.aspect_ratio = ratio;
  else if (by === null) Object.assign(parameters, valuesFor(model, { width, height }));
  return {
    model_id: model.id,
    ...(takesPrompt(model) ? { prompt: old.prompt } : {}),
    seed: model.has_seed ? seed : null,
    parameters,
    images,
    shape,
    size,
  };
}
