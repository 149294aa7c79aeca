import type { LedgerLine } from "@/api/generated";

/** Credits as dollars: one credit is a US cent. Fractions of a cent are shown where there are any. */
export function dollars(credits: number): string {
  return new Intl.NumberFormat("en-US", {
    style: "currency",
    currency: "USD",
    minimumFractionDigits: 2,
    maximumFractionDigits: 4,
  }).format(credits / 100);
}

export interface Owed {
  generationId: string;
  model: string;
  images: number;
  credits: number;
  askedAt: string;
  why: string;
  /** Some of it was accepted for sure, so it can be fetched. */
  canFetch: boolean;
  /** Of some of it nobody knows, so it can only be paid again. */
  isUnknown: boolean;
}

/** What is owed, one entry a generation, in the order of the lines. */
export function groupOwed(lines: LedgerLine[]): Owed[] {
  const groups = new Map<string, Owed>();
  for (const line of lines) {
    const group = groups.get(line.generation_id) ?? {
      generationId: line.generation_id,
      model: line.model_id,
      images: 0,
      credits: 0,
      askedAt: line.created_at,
      why: "",
      canFetch: false,
      isUnknown: false,
    };
    group.images += 1;
    group.credits += line.cost ?? line.estimate;
    group.why ||= line.error?.title ?? "";
    group.canFetch ||= line.state === "submitted" || line.state === "ready";
    group.isUnknown ||= line.state === "unknown";
    groups.set(line.generation_id, group);
  }
  return [...groups.values()];
}
