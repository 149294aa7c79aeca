import type { Finding } from "@/api/generated";

interface Lead {
  words: string;
  /** The `data-lead` of what it leads to on this page. */
  to: "add-images" | "trigger-word" | "write-captions";
}

const MORE_IMAGES: Lead = { words: "Add more images", to: "add-images" };
const CAPTIONS: Lead = { words: "Write captions", to: "write-captions" };

const LEADS: Partial<Record<Finding["kind"], Lead>> = {
  empty: { words: "Choose images", to: "add-images" },
  too_few: MORE_IMAGES,
  low_variety: MORE_IMAGES,
  caption_missing: CAPTIONS,
  caption_identical: CAPTIONS,
  trigger_missing: { words: "Choose a trigger word", to: "trigger-word" },
};

/** Where a finding that no button can mend by itself is mended. */
export function leadOf(finding: Finding): Lead | undefined {
  return finding.fix ? undefined : LEADS[finding.kind];
}

/** Go there: fields get the keyboard, buttons are pressed. The page may first have to show what it is about. */
export function follow({ to }: Lead) {
  requestAnimationFrame(() => {
    const target = document.querySelector<HTMLElement>(`[data-lead="${to}"]`);
    // On a narrow screen it may lie in something folded.
    target?.closest("details")?.setAttribute("open", "");
    target?.scrollIntoView({ block: "center" });
    target?.focus({ preventScroll: true });
    if (target instanceof HTMLButtonElement) target.click();
  });
}
