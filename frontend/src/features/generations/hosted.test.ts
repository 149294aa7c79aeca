import { describe, expect, it } from "vitest";

import type { Generation, HostedModel } from "@/api/generated";

import { EMPTY_DRAFT, type Draft } from "./draft";
import {
  asHostedRequest,
  bringTo,
  canBeAutomatic,
  formOf,
  fromGeneration,
  lacking,
  placesOf,
} from "./hosted";
import { placed } from "./ImagePlaces";

const make = (
  id: string,
  properties: Record<string, object>,
  required: string[],
  more: Partial<HostedModel> = {},
): HostedModel => ({
  id,
  title: id,
  description: "",
  stage: "live",
  since: null,
  replaced_by: null,
  note: "",
  parameters: { properties, required },
  image_fields: [],
  max_images: 0,
  needs_image: false,
  has_seed: true,
  takes_finetune: false,
  price: 1,
  price_confidence: "high",
  price_source: "",
  ...more,
});

const side = { anyOf: [{ type: "integer", minimum: 64, multipleOf: 16 }, { type: "null" }], default: null };
const prompt = { type: "string", level: "basic" };
const safety = (maximum: number) => ({ type: "integer", default: 2, maximum, minimum: 0, level: "expert" });

const klein = make(
  "bfl:klein",
  { width: side, height: side, prompt, input_image: {}, input_image_2: {}, safety_tolerance: safety(5) },
  ["prompt"],
  { image_fields: ["input_image", "input_image_2"], max_images: 2 },
);
const pro = make(
  "bfl:pro",
  {
    width: { type: "integer", default: 1024, minimum: 256, maximum: 1440, multipleOf: 32 },
    height: { type: "integer", default: 768, minimum: 256, maximum: 1440, multipleOf: 32 },
    prompt: { ...prompt, default: "" },
    safety_tolerance: safety(6),
  },
  [],
);
const flux3 = make(
  "bfl:flux3",
  {
    prompt,
    images: {},
    aspect_ratio: { type: "string", enum: ["auto", "21:9", "1:1", "16:9"], default: "auto", level: "basic" },
    resolution: { type: "string", enum: ["1k", "4k"], default: "1k", level: "basic" },
    version: { const: "latest", level: "expert" },
  },
  ["prompt"],
  { image_fields: ["images"], max_images: 10, has_seed: false },
);
const erase = make("bfl:erase", { image: { title: "Image" }, mask: { title: "Mask" } }, ["image", "mask"], {
  image_fields: ["image", "mask"],
  max_images: 2,
  needs_image: true,
});

const draft = (by: Partial<Draft> = {}): Draft => ({ ...EMPTY_DRAFT, prompt: "a fox", ...by });

describe("asHostedRequest", () => {
  it("asks in pixels, on the model's grid and within its limits", () => {
    expect(asHostedRequest(draft({ shape: "16:9", seed: 4 }), klein)).toMatchObject({
      prompt: "a fox",
      seed: 4,
      parameters: { width: 1360, height: 768 },
    });
    expect(asHostedRequest(draft({ shape: "16:9" }), pro).parameters).toEqual({ width: 1376, height: 768 });
  });
  it("asks by ratio, and leaves it open where that is meant", () => {
    expect(asHostedRequest(draft({ shape: "16:9" }), flux3).parameters).toEqual({ aspect_ratio: "16:9" });
    expect(asHostedRequest(draft({ shape: "auto" }), flux3).parameters).toEqual({});
    expect(asHostedRequest(draft({ shape: "auto" }), klein).parameters).toEqual({});
    expect(canBeAutomatic(pro)).toBe(false);
    expect(asHostedRequest(draft({ shape: "auto" }), pro).parameters).toEqual({ width: 1024, height: 1024 });
  });
  it("gives images by order, one by one or as a list", () => {
    const images = ["a", "b", "c"];
    expect(asHostedRequest(draft({ images, shape: "auto" }), klein).parameters).toEqual({
      input_image: "a",
      input_image_2: "b",
    });
    expect(asHostedRequest(draft({ images, shape: "auto" }), flux3).parameters).toEqual({ images });
  });
  it("gives only what the model takes", () => {
    const parameters = { resolution: "4k", safety_tolerance: 1 };
    const request = asHostedRequest(draft({ parameters, seed: 3, shape: "auto" }), flux3);
    expect(request.parameters).toEqual({ resolution: "4k" });
    expect(request).not.toHaveProperty("seed");
    expect(asHostedRequest(draft(), erase).prompt).toBe(" ");
  });
});

describe("form", () => {
  it("leaves out what has a place of its own", () =>
    expect(Object.keys(formOf(flux3).properties as object)).toEqual(["aspect_ratio", "resolution"]));
  it("numbers references, names the others", () => {
    expect(placesOf(klein).map(({ isReference }) => isReference)).toEqual([true, true]);
    expect(placesOf(flux3)).toHaveLength(10);
    expect(placesOf(erase).map(({ title, isRequired }) => [title, isRequired])).toEqual([
      ["Image", true],
      ["Mask", true],
    ]);
  });
});

describe("lacking", () => {
  it("names what must be given", () => {
    expect(lacking(draft({ prompt: " " }), klein)).toEqual(["a prompt"]);
    expect(lacking(draft({ images: ["", "m"] }), erase)).toEqual(["an image"]);
    expect(lacking(draft({ images: ["i", "m"] }), erase)).toEqual([]);
  });
});

describe("bringTo", () => {
  it("keeps what fits, and the shape of a size that does not", () => {
    const old = draft({
      size: { width: 1920, height: 1088 },
      parameters: { safety_tolerance: 6, resolution: "4k" },
    });
    expect(bringTo(pro, old)).toEqual({
      parameters: { safety_tolerance: 6, resolution: "4k" },
      size: null,
      shape: "16:9",
    });
    expect(bringTo(klein, old)).toEqual({ parameters: { resolution: "4k" } });
  });
});

describe("fromGeneration", () => {
  const old = (parameters: object) => ({ prompt: "a fox", parameters }) as Generation;
  it("makes the same request again", () => {
    for (const [model, parameters] of [
      [klein, { width: 1360, height: 768, input_image: "a", safety_tolerance: 1 }],
      [klein, { width: 512, height: 512 }],
      [klein, { input_image: "a", input_image_2: "b" }],
      [flux3, { aspect_ratio: "21:9", resolution: "4k", images: ["a", "b", "c"] }],
      [flux3, { aspect_ratio: "16:9" }],
      [erase, { image: "a", mask: "b" }],
    ] as const) {
      const again = { ...EMPTY_DRAFT, ...fromGeneration(old(parameters), 7, model) };
      expect(asHostedRequest(again, model).parameters).toEqual(parameters);
    }
  });
  it("takes the seed only where there is one", () => {
    expect(fromGeneration(old({}), 7, klein).seed).toBe(7);
    expect(fromGeneration(old({}), 7, flux3).seed).toBeNull();
  });
});

describe("placed", () => {
  it("fills empty places first, then the last one", () => {
    expect(placed([], ["a"], 2)).toEqual(["a"]);
    expect(placed(["", "m"], ["a"], 2)).toEqual(["a", "m"]);
    expect(placed(["a", "b"], ["c"], 2)).toEqual(["a", "c"]);
    expect(placed(["a", "b", "c"], ["d"], 1)).toEqual(["d", "b", "c"]);
  });
});
