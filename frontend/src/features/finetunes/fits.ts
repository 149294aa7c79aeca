import type { FinetunePlan, SystemInfo } from "@/api/generated";
import { bytes, bytesRange } from "@/components/format";

/** Memory of what trains: as a measurement found it, else the computer's where that is what trains. */
export function deviceMemory(plan: FinetunePlan, system: SystemInfo | undefined): number | null {
  if (plan.probe?.device_memory_bytes) return plan.probe.device_memory_bytes;
  return system?.engine.device === "cpu" ? system.memory_total_bytes : null;
}

/** Whether it fits, in a sentence with numbers where they are known. */
export function fitWords(plan: FinetunePlan, memory: number | null): string {
  const needs = bytesRange(plan.memory_bytes);
  if (!plan.fits)
    return memory === null
      ? `Does not fit: it needs ${needs} of memory.`
      : `Does not fit: it needs ${needs} of memory, and there are ${bytes(memory)}.`;
  const spare = memory === null ? 0 : memory - plan.memory_bytes.high;
  return spare > 0 ? `Fits with ${bytes(spare)} to spare.` : "Fits this computer.";
}
