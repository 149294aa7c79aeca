/** A JSON Schema as a list of form fields. The server declares every parameter once; nothing is repeated here. */

export type Level = "basic" | "more" | "expert";

export interface Field {
  name: string;
  title: string;
  help: string;
  level: Level;
  group: string;
  unit: string;
  kind: "number" | "integer" | "boolean" | "choice" | "lines" | "text";
  isNullable: boolean;
  fallback: unknown;
  choices: string[];
  minimum?: number;
  maximum?: number;
  step?: number;
  maxItems?: number;
}

interface Property {
  type?: string;
  title?: string;
  description?: string;
  default?: unknown;
  level?: Level;
  group?: string;
  unit?: string;
  enum?: string[];
  anyOf?: Property[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
  maxItems?: number;
}

function kindOf(property: Property): Field["kind"] {
  if (property.enum) return "choice";
  if (property.type === "integer" || property.type === "number" || property.type === "boolean")
    return property.type;
  return property.type === "array" ? "lines" : "text";
}

/** The fields of a schema that carry a level; others are asked for elsewhere on the screen. */
export function fieldsOf(schema: Record<string, unknown>): Field[] {
  const properties = (schema.properties ?? {}) as Record<string, Property>;
  return Object.entries(properties).flatMap(([name, property]) => {
    if (!property.level) return [];
    const variants = property.anyOf ?? [property];
    const main = variants.find((variant) => variant.type !== "null") ?? property;
    return {
      name,
      title: property.title ?? name,
      help: property.description ?? "",
      level: property.level,
      group: property.group ?? "Settings",
      unit: property.unit ?? "",
      kind: kindOf(main),
      isNullable: variants.some((variant) => variant.type === "null"),
      fallback: property.default,
      choices: main.enum ?? [],
      minimum: main.minimum ?? main.exclusiveMinimum,
      maximum: main.maximum ?? main.exclusiveMaximum,
      step: main.multipleOf,
      maxItems: main.maxItems,
    };
  });
}

/** One image, two images; other units are the same for one. */
export const unitOf = (unit: string, value: unknown) =>
  value === 1 && /^[a-z]+s$/.test(unit) ? unit.slice(0, -1) : unit;

/** Fields by group, groups in the order they first appear. */
export function grouped(fields: Field[]): [string, Field[]][] {
  const groups = new Map<string, Field[]>();
  for (const field of fields) groups.set(field.group, [...(groups.get(field.group) ?? []), field]);
  return [...groups];
}

const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** What the user set, less what equals the default: only real differences are kept and sent. */
export function withValue(
  values: Record<string, unknown>,
  name: string,
  value: unknown,
  usual: unknown,
): Record<string, unknown> {
  const { [name]: _old, ...rest } = values;
  return value === undefined || same(value, usual) ? rest : { ...rest, [name]: value };
}
