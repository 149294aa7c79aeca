/** Notifications of this browser at the end of a run; asked for one run at a time, by a click. */

import type { StudioEvent } from "@/api/events";

const KEY = "fluxtune:notify";
const ENDS: Record<string, string> = {
  "job.succeeded": "has finished",
  "job.failed": "was stopped by an error",
  "job.cancelled": "was cancelled",
};

function wanted(): Record<string, string> {
  try {
    return (JSON.parse(localStorage.getItem(KEY) ?? "{}") ?? {}) as Record<string, string>;
  } catch {
    return {};
  }
}

function keep(names: Record<string, string>) {
  try {
    localStorage.setItem(KEY, JSON.stringify(names));
  } catch {
    // Storage may be full or switched off; then nothing is told, and the button says so by staying off.
  }
}

/** Browsers tell only on this computer or over https, and only where a person has not forbidden it. */
export const canNotify = () =>
  typeof Notification !== "undefined" && window.isSecureContext && Notification.permission !== "denied";

export const isNotifying = (finetuneId: string) => finetuneId in wanted();

/** Does anybody wait for the end of a run? Then the event stream must stay open in a hidden tab. */
export const isAnyoneWaiting = () => Object.keys(wanted()).length > 0;

/** Ask for the end of a run to be told; the browser asks the person first. Returns whether it will be. */
export async function notifyOf(finetuneId: string, name: string): Promise<boolean> {
  if (!canNotify() || (await Notification.requestPermission()) !== "granted") return false;
  keep({ ...wanted(), [finetuneId]: name });
  return isNotifying(finetuneId);
}

export function stopNotifying(finetuneId: string) {
  const { [finetuneId]: _name, ...others } = wanted();
  keep(others);
}

/** The words for the end an event tells of, or null. A full disk ends a run too, until there is room. */
export function endOf(event: Pick<StudioEvent, "type" | "data">): string | null {
  if (event.type === "job.paused")
    return (event.data as { reason?: string }).reason === "disk-full" ? "is paused: the disk is full" : null;
  return ENDS[event.type] ?? null;
}

/** Tell of a run's end where that was asked for; a click on the notification opens the run. */
export function tellEnd(event: StudioEvent, open: () => void) {
  const end = event.kind === "finetune" ? endOf(event) : null;
  const name = wanted()[event.target_id];
  if (end === null || name === undefined) return;
  stopNotifying(event.target_id);
  if (!canNotify()) return;
  const shown = new Notification(`“${name}” ${end}`, { tag: event.job_id, icon: "/favicon.svg" });
  shown.onclick = () => {
    window.focus();
    open();
    shown.close();
  };
}
