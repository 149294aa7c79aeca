import { describe, expect, it } from "vitest";

import type { Setting } from "@/api/generated";
import { asProblem, ProblemError } from "@/api/problem";

import { anyValue, asPairs, inWords, matches, pairsOf, problemAt, shapeOf, told, typedIn } from "./values";

describe("shapeOf", () => {
  it("reads optional, limited and listed values", () => {
    const shape = (json_schema: Record<string, unknown>, is_secret = false) =>
      shapeOf({ json_schema, is_secret });
    expect(shape({ anyOf: [{ type: "integer", minimum: 1 }, { type: "null" }] })).toMatchObject({
      kind: "integer",
      isNullable: true,
      minimum: 1,
    });
    expect(shape({ enum: ["a", "b"], type: "string" })).toMatchObject({
      kind: "choice",
      choices: ["a", "b"],
    });
    expect(shape({ type: "object", additionalProperties: { format: "path" } }).kind).toBe("pairs");
    expect(shape({ type: "array", items: { type: "string" } }).kind).toBe("lines");
    expect(shape({ anyOf: [{ type: "string" }, { type: "null" }] }, true).kind).toBe("secret");
  });
});

describe("values in words", () => {
  it("says what a value is", () => {
    expect([told(null), told(true), told([]), told(["a", "b"]), told({ own: "/x" })]).toEqual([
      "empty",
      "on",
      "none",
      "a, b",
      "own = /x",
    ]);
    expect(told(30, "days")).toBe("30 days");
  });
  it("says large numbers in larger units only", () => {
    expect(inWords(30, "s")).toBeUndefined();
    expect(inWords(3600, "s")).toMatch(/1 h|60 min/);
  });
});

describe("pairs", () => {
  it("come back as they were typed", () => {
    const value = { own: "/a b/c", other: "/x=y" };
    expect(pairsOf(asPairs(value))).toEqual(value);
    expect(pairsOf("alone\n\n")).toEqual({ alone: "" });
    const recipe = { rank: 5, sample_prompts: ["a", "b"], method: "lora" };
    expect(pairsOf(asPairs(recipe), anyValue)).toEqual(recipe);
  });
});

it("finds settings by any of their names", () => {
  const setting = {
    key: "trash.keep_days",
    title: "Keep days",
    description: "What was deleted goes for good.",
    variable: "FLUXTUNE_TRASH__KEEP_DAYS",
  } as Setting;
  expect(matches(setting, "")).toBe(true);
  expect(matches(setting, "deleted KEEP")).toBe(true);
  expect(matches(setting, "fluxtune_trash__")).toBe(true);
  expect(matches(setting, "port")).toBe(false);
});

it("takes what the server says of one setting only", () => {
  const error = new ProblemError({
    ...asProblem({ title: "No", detail: "" }, 422),
    errors: [{ field: "trash.keep_days", message: "Must be more" }],
  });
  expect(problemAt(error, "trash.keep_days")).toBe("Must be more");
  expect(problemAt(error, "log.keep")).toBeUndefined();
});

describe("what a number is typed in", () => {
  it("is a size people use, for bytes", () => {
    expect(typedIn(2 * 1024 ** 3, "bytes")).toEqual({ unit: "GB", factor: 1024 ** 3 });
    expect(typedIn(256 * 1024 ** 2, "bytes").unit).toBe("MB");
    expect(typedIn(0, "bytes").unit).toBe("GB");
    expect(typedIn(30, "s")).toEqual({ unit: "s", factor: 1 });
    expect(typedIn(3, null)).toEqual({ unit: undefined, factor: 1 });
  });
});
