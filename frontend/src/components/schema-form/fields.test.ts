import { describe, expect, it } from "vitest";

import { fieldsOf, grouped, unitOf, withValue } from "./fields";

const schema = {
  properties: {
    prompt: { type: "string" },
    steps: {
      type: "integer",
      title: "Steps",
      level: "more",
      group: "Training",
      unit: "steps",
      minimum: 1,
      default: 300,
    },
    alpha: {
      anyOf: [{ type: "number", exclusiveMinimum: 0 }, { type: "null" }],
      level: "expert",
      group: "Adapter",
      default: null,
    },
    schedule: { type: "string", enum: ["constant", "cosine"], level: "expert", group: "Training" },
    sample_prompts: {
      type: "array",
      items: { type: "string" },
      maxItems: 8,
      level: "more",
      group: "Samples",
    },
  },
};

describe("fieldsOf", () => {
  const fields = fieldsOf(schema);
  it("leaves out what has no level", () => expect(fields.map((field) => field.name)).not.toContain("prompt"));
  it("looks through anyOf", () =>
    expect(fields.find((f) => f.name === "alpha")).toMatchObject({
      kind: "number",
      isNullable: true,
      minimum: 0,
    }));
  it("knows kinds", () =>
    expect(fields.map((field) => field.kind)).toEqual(["integer", "number", "choice", "lines"]));
  it("groups in order", () =>
    expect(grouped(fields).map(([name]) => name)).toEqual(["Training", "Adapter", "Samples"]));
});

describe("withValue", () => {
  it("keeps differences only", () => {
    expect(withValue({}, "steps", 200, 300)).toEqual({ steps: 200 });
    expect(withValue({ steps: 200 }, "steps", 300, 300)).toEqual({});
    expect(withValue({ alpha: 3 }, "alpha", undefined, null)).toEqual({});
  });
});

describe("unitOf", () => {
  it("counts one", () => expect(unitOf("images", 1)).toBe("image"));
  it("counts more", () => expect(unitOf("images", 2)).toBe("images"));
  it("leaves what is no plural", () => {
    expect(unitOf("px", 1)).toBe("px");
    expect(unitOf("of the images", 1)).toBe("of the images");
  });
});
