import { expect, it } from "vitest";

import { changeWords, titlesOf } from "./healing";

it("says what was changed, before and after, in the words of the form", () => {
  const titles = titlesOf({ properties: { batch_size: { title: "Batch size" } } });
  expect(changeWords({ batch_size: [4, 2], gradient_checkpointing: ["auto", "on"] }, titles)).toEqual([
    "Batch size 4 → 2",
    "gradient_checkpointing auto → on",
  ]);
});
