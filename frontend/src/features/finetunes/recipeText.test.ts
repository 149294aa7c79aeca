import { describe, expect, it } from "vitest";

import { automatic, lineOf, readable, settingsSet, writeRecipe } from "./recipeText";

const usual = { steps: 300, rank: 16, sample_prompts: ["[trigger]", "a cat"] };

describe("writeRecipe", () => {
  const text = writeRecipe({ name: "Rex: one", base: "pocket", mode: "character" }, { steps: 200 }, usual);

  it("has what was set as lines and what was chosen as comments", () => {
    expect(text).toContain('name: "Rex: one"\nbase: pocket\nmode: character\nrecipe:\n  steps: 200\n');
    expect(text).toContain('  # rank: 16\n  # sample_prompts:\n  #   - "[trigger]"\n');
    expect(text).not.toContain("# steps");
  });
  it("gives a setting when its # is taken away", () =>
    expect(text.replace("# rank", "rank")).toContain("\n  rank: 16"));
});

describe("readable", () => {
  it("makes a recipe of comments an empty one, on the same line", () => {
    expect(readable("base: pocket\nrecipe:\n  # rank: 3\n")).toBe("base: pocket\nrecipe: {}\n  # rank: 3\n");
    expect(readable("recipe:\nbase: pocket")).toBe("recipe: {}\nbase: pocket");
  });
  it("leaves everything else alone", () => {
    const text = "recipe:\n  # rank: 3\n  steps: 4\n";
    expect(readable(text)).toBe(text);
    expect(readable("base: pocket")).toBe("base: pocket");
  });
});

it("keeps only settings that differ from the usual", () =>
  expect(settingsSet({ steps: 300, rank: 8, odd: 1 }, usual)).toEqual({ rank: 8, odd: 1 }));

it("finds the line of a problem", () => {
  expect(lineOf("Line 12: must be at least 1.")).toBe(12);
  expect(lineOf("It is empty.")).toBeNull();
});

it("takes what follows from set values as automatic, but never a set value itself", () =>
  expect(automatic({ steps: 300, every: 75 }, { steps: 40, every: 10 }, { steps: 40 })).toEqual({
    steps: 300,
    every: 10,
  }));
