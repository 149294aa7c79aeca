import type { Model } from "@/api/generated";
import { describe, expect, it } from "vitest";

import { asRequest, EMPTY_DRAFT, fromFacts, hasTrigger, startedFrom, startOf, withTrigger } from "./draft";

const defaults = {
  steps: 20,
  guidance: 3,
  width: 128,
  height: 128,
  max_width: 192,
  max_height: 192,
  max_prompt_tokens: 64,
};
const model = { id: "m1", kind: "finetuned", defaults, versions: [{ id: "v1" }, { id: "v2" }] } as never;
const facts = {
  generation_id: "g",
  prompt: "zibbo at night",
  seed: 9,
  model_id: "m1",
  model_name: "Zibbo",
  version_id: "v1",
  base: "pocket",
  finetune_strength: 0.8,
  width: 128,
  height: 128,
  steps: 30,
  guidance: 3,
};

describe("withTrigger", () => {
  it("puts it in front", () => expect(withTrigger("on a beach", "zibbo")).toBe("zibbo on a beach"));
  it("leaves it where it is", () => expect(withTrigger("a happy Zibbo", "zibbo")).toBe("a happy Zibbo"));
  it("swaps the old one", () =>
    expect(withTrigger("a zibbo at night", "quellon", "zibbo")).toBe("a quellon at night"));
  it("takes the old one away for a base", () =>
    expect(withTrigger("zibbo at night", "", "zibbo")).toBe("at night"));
  it("matches whole words", () => expect(hasTrigger("zibbolino", "zibbo")).toBe(false));
});

describe("reuse", () => {
  it("makes the same request again", () => {
    const draft = { ...EMPTY_DRAFT, ...fromFacts(facts, model) };
    expect(asRequest(draft, model)).toMatchObject({
      prompt: "zibbo at night",
      seed: 9,
      steps: 30,
      width: 128,
      height: 128,
      finetune_strength: 0.8,
      version_id: "v1",
    });
    expect(draft.size).toBeNull();
    expect(asRequest({ ...draft, version_id: "gone" }, model)).not.toHaveProperty("version_id");
    expect(asRequest(draft, model)).not.toHaveProperty("guidance");
  });
  it("keeps a size that no shape has", () => {
    const draft = { ...EMPTY_DRAFT, ...fromFacts({ ...facts, width: 192, height: 64 }, model) };
    expect(asRequest(draft, model)).toMatchObject({ width: 192, height: 64 });
  });
  it("takes over the rest when the model is gone", () => {
    const draft = fromFacts(facts, null);
    expect(draft).toMatchObject({ prompt: "zibbo at night", seed: 9, size: { width: 128, height: 128 } });
    expect(draft).not.toHaveProperty("model_id");
  });
});

describe("what a draft starts from", () => {
  const model = (defaults: Partial<Model["defaults"]>, kind: Model["kind"] = "finetuned") =>
    ({
      kind,
      defaults: { count: 4, finetune_strength: 1, usual_width: null, usual_height: null, ...defaults },
    }) as Model;

  it("follows the model where nobody typed anything", () => {
    const from = startOf(model({}));
    const to = startOf(model({ count: 2, finetune_strength: 0.8, usual_width: 512, usual_height: 768 }));
    expect(startedFrom(EMPTY_DRAFT, from, to)).toEqual({
      strength: 0.8,
      count: 2,
      size: { width: 512, height: 768 },
    });
    expect(startedFrom({ ...EMPTY_DRAFT, strength: 0.5, count: 8 }, from, to)).toEqual({
      size: { width: 512, height: 768 },
    });
  });
  it("leaves a base at full strength", () => {
    expect(startOf(model({ finetune_strength: 0.3 }, "base")).strength).toBe(1);
  });
});
