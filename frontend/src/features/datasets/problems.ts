import type { DatasetImage, Finding } from "@/api/generated";
import { countOf } from "@/components/format";

/** What a badge on an image says; the check panel says the rest. */
export const PROBLEM_WORDS: Partial<Record<DatasetImage["problems"][number], string>> = {
  too_small: "Small",
  duplicate: "Duplicate",
  caption_missing: "No caption",
  caption_identical: "Same caption",
  trigger_missing: "No trigger word",
  odd_shape: "Odd shape",
  blurred: "Blurred",
  compressed: "Compressed",
  transparent: "Transparent",
  too_many: "Too many",
  caption_too_long: "Long caption",
  trigger_doubled: "Trigger twice",
};

export const MODES = {
  character: { title: "Character", what: "A person, animal or figure" },
  product: { title: "Product", what: "A thing that must look right" },
  style: { title: "Style", what: "A way of drawing or lighting" },
  general: { title: "General", what: "Anything else" },
} as const;

/** The caption with the trigger word in front, if it isn't in it already. */
export function withTrigger(caption: string, trigger: string): string {
  if (!trigger || caption.toLowerCase().includes(trigger.toLowerCase())) return caption;
  return caption ? `${trigger} ${caption}` : trigger;
}

const SEVERITIES = ["error", "warning", "hint"] as const;

/** How many findings of each weight, heaviest first: "1 warning, 5 hints". */
export function weightsOf(findings: readonly Pick<Finding, "severity">[]): string {
  if (findings.length === 0) return "Nothing to mend";
  return SEVERITIES.map((one) => [one, findings.filter(({ severity }) => severity === one).length] as const)
    .filter(([, count]) => count > 0)
    .map(([one, count]) => countOf(count, one))
    .join(", ");
}
