import { expect, it } from "vitest";

import { suggestionsFor } from "./useFinetunes";

const deployed = (finetune_id: string, hosted_model_id: string) => ({
  finetune_id,
  hosted_model_id,
  model_id: "m",
  name: `Model ${finetune_id}`,
  trigger_word: "",
});

it("offers what this model draws with first, each name once", () => {
  const found = suggestionsFor({ id: "bfl:one" }, [deployed("far", "bfl:two"), deployed("near", "bfl:one")], {
    names: ["near", "new"],
  });
  expect(found.map(({ value }) => value)).toEqual(["near", "far", "new"]);
  expect(found[0].note).toBe("Model near");
  expect(found[1].note).toContain("another hosted model");
});

it("offers the catalogue's where BFL tells nothing", () => {
  expect(suggestionsFor({ id: "bfl:one" }, [deployed("near", "bfl:one")], { names: null })).toHaveLength(1);
  expect(suggestionsFor({ id: "bfl:one" }, [], undefined)).toEqual([]);
});
