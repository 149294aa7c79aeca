import type { GenerationFacts } from "@/api/generated";

/** What of an image is taken over into the next request: of its recipe, or the image itself. */
export type Reuse = { kind: "everything" | "seed" | "image"; facts: GenerationFacts; imageId: string };

export function recipeRows(facts: GenerationFacts): [string, string][] {
  return [
    ["Model", facts.model_name],
    ["Base", facts.base],
    ["Strength", String(facts.finetune_strength)],
    ["Seed", String(facts.seed)],
    ["Size", `${facts.width} × ${facts.height}`],
    // A hosted model may have neither.
    ...(facts.steps ? [["Steps", String(facts.steps)] satisfies [string, string]] : []),
    ...(facts.guidance ? [["Guidance", String(facts.guidance)] satisfies [string, string]] : []),
  ];
}

/** The recipe as text, enough to make the image again. */
export function recipeText(facts: GenerationFacts): string {
  return [
    `prompt: ${facts.prompt}`,
    ...recipeRows(facts).map(([name, value]) => `${name.toLowerCase()}: ${value}`),
  ].join("\n");
}

export const downloadName = (facts: GenerationFacts) =>
  `${
    facts.prompt
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "")
      .slice(0, 48) || "image"
  }-${facts.seed}`;
