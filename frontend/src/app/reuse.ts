import type { Reuse } from "@/components/recipe";

let kept: Reuse | null = null;

/** A recipe on its way from the gallery's own page to Create. */
export function keepReuse(reuse: Reuse) {
  kept = reuse;
}

export function takeReuse(): Reuse | null {
  const reuse = kept;
  kept = null;
  return reuse;
}
