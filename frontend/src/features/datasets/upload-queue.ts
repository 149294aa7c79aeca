import type { ArrivalProgress, KnownFiles, UploadReport } from "@/api/generated";
import { problemOf } from "@/api/problem";

import { isArchive, isCaption, planUploads, type Part, type Picked } from "./upload-plan";

/** What carries files to the server. */
export interface Transport {
  hash: (file: File) => Promise<string | null>;
  known: (hashes: string[]) => Promise<KnownFiles>;
  send: (files: Picked[], position: number, onSent: (bytes: number) => void) => Promise<UploadReport>;
  sendArchive: (
    file: Picked,
    onSent: (bytes: number) => void,
    onStep: (step: ArrivalProgress) => void,
  ) => Promise<void>;
}

export interface Item {
  key: string;
  name: string;
  file: File;
  size: number;
  sent: number;
  state: "waiting" | "checking" | "sending" | "reading" | "done";
  /** Of an archive: files read of files in it. */
  read: [number, number] | null;
}

export interface Totals {
  files: number;
  done: number;
  bytes: number;
  sentBytes: number;
  added: number;
  known: number;
  captions: number;
  refused: number;
}

const LANES = 3;
// prettier-ignore
const NONE: Totals = { files: 0, done: 0, bytes: 0, sentBytes: 0, added: 0, known: 0, captions: 0, refused: 0 };
let counter = 0;

interface Listener {
  onChange: () => void;
  onReport: (report: UploadReport) => void;
  onRefused: (files: { name: string; reason: string; action: string }[]) => void;
  onIdle: () => void;
}

/**
 * Sends files a few parts at a time. Each part asks first what of it is known, so nothing is sent or stored twice, and
 * has its place from the start, so parts may overtake each other. When the server is gone it waits instead of failing.
 */
export class UploadQueue {
  totals: Totals = NONE;
  isPaused = false;
  /** Why it paused by itself. */
  trouble = "";
  private waiting: { part: Part; items: Item[]; position: number }[] = [];
  private running = new Set<Item[]>();
  private place = 0;

  constructor(
    private readonly transport: Transport,
    private readonly listener: Listener,
  ) {}

  get isBusy() {
    return this.waiting.length > 0 || this.running.size > 0;
  }

  /** Items under way and the next ones, in order. */
  upcoming(limit: number): Item[] {
    const items: Item[] = [];
    for (const group of this.running) items.push(...group.filter(({ state }) => state !== "done"));
    for (const { items: next } of this.waiting) {
      if (items.length >= limit) break;
      items.push(...next);
    }
    return items.slice(0, limit);
  }

  async add(picked: Picked[]) {
    const parts = planUploads(picked);
    if (!this.isBusy) this.totals = NONE;
    const planned = parts.map((part) => ({ part, items: part.files.map(toItem), position: 0 }));
    const files = planned.flatMap(({ items }) => items);
    this.count({ files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) });
    // Where that can't be asked, each part asks again and says what is wrong.
    const next = await this.transport.known([]).then(
      ({ next_position }) => next_position,
      () => 0,
    );
    this.place = Math.max(this.place, next);
    for (const one of planned) {
      one.position = this.place;
      this.place += one.part.imageCount;
    }
    this.waiting.push(...planned);
    this.pump();
  }

  pause() {
    this.isPaused = true;
    this.listener.onChange();
  }

  resume() {
    this.isPaused = false;
    this.trouble = "";
    this.pump();
  }

  /** Forget what has not begun; what is under way still arrives. */
  cancel() {
    const dropped = this.waiting.flatMap(({ items }) => items);
    this.waiting = [];
    this.count({ files: -dropped.length, bytes: -dropped.reduce((sum, { size }) => sum + size, 0) });
    this.resume();
  }

  private pump() {
    while (!this.isPaused && this.running.size < LANES && this.waiting.length > 0) {
      if (this.waiting[0].part.isLast && this.running.size > 0) break;
      void this.run(this.waiting.shift()!);
    }
    this.listener.onChange();
    if (!this.isBusy) this.listener.onIdle();
  }

  private async run(one: { part: Part; items: Item[]; position: number }) {
    this.running.add(one.items);
    const sentBefore = this.totals.sentBytes;
    try {
      if (one.part.kind === "archive") await this.sendArchive(one.part.files[0], one.items[0]);
      else await this.sendFiles(one.part, one.items, one.position);
    } catch (error) {
      const problem = problemOf(error);
      if (problem.status === 0 || problem.status >= 500) {
        // The server may come back: nothing of this part is lost, and nothing that arrived is sent twice.
        for (const item of one.items) Object.assign(item, { state: "waiting", sent: 0, read: null });
        this.totals = { ...this.totals, sentBytes: Math.min(sentBefore, this.totals.sentBytes) };
        this.waiting.unshift(one);
        this.isPaused = true;
        this.trouble = `${problem.title}. Nothing is lost: go on when it is back.`;
      } else {
        const reason = problem.detail || problem.title;
        this.refuse(one.items.map(({ name }) => ({ name, reason, action: problem.action })));
        this.finish(one.items);
      }
    }
    this.running.delete(one.items);
    this.pump();
  }

  private async sendFiles(part: Part, items: Item[], position: number) {
    for (const item of items) item.state = "checking";
    this.listener.onChange();
    const hashes = await Promise.all(
      part.files.map(({ file, path }) => (isCaption(path) ? null : this.transport.hash(file))),
    );
    const asked = hashes.filter((hash) => hash !== null);
    const known = new Set(asked.length > 0 ? (await this.transport.known(asked)).hashes : []);
    const isKnown = hashes.map((hash) => hash !== null && known.has(hash));
    const skipped = items.filter((_, index) => isKnown[index]);
    this.count({ known: skipped.length });
    this.finish(skipped);
    const left = items.filter((_, index) => !isKnown[index]);
    if (left.length === 0) return;
    for (const item of left) item.state = "sending";
    const files = part.files.filter((_, index) => !isKnown[index]);
    this.take(await this.transport.send(files, position, (bytes) => this.spread(left, bytes)));
    this.finish(left);
  }

  private async sendArchive(file: Picked, item: Item) {
    item.state = "sending";
    let failed: ArrivalProgress["problem"] = null;
    await this.transport.sendArchive(
      file,
      (bytes) => this.spread([item], bytes),
      (step) => {
        Object.assign(item, { state: "reading", read: [step.done, step.total] });
        if (step.report) this.take(step.report);
        failed = step.problem ?? failed;
        this.listener.onChange();
      },
    );
    if (failed) {
      const { detail, title, action } = failed as NonNullable<ArrivalProgress["problem"]>;
      this.refuse([{ name: item.name, reason: detail || title, action }]);
    }
    this.finish([item]);
  }

  private take(report: UploadReport) {
    const { added, duplicates, captioned_count } = report;
    this.count({ added: added.length, known: duplicates.length, captions: captioned_count });
    this.refuse(report.refused);
    this.listener.onReport(report);
  }

  private refuse(files: { name: string; reason: string; action: string }[]) {
    if (files.length === 0) return;
    this.count({ refused: files.length });
    this.listener.onRefused(files);
  }

  /** Tell how many bytes of some files have left, which go one after the other. */
  private spread(items: Item[], bytes: number) {
    let left = bytes;
    let more = 0;
    for (const item of items) {
      const sent = Math.max(item.sent, Math.min(item.size, left));
      more += sent - item.sent;
      item.sent = sent;
      left = Math.max(0, left - item.size);
    }
    this.count({ sentBytes: more });
    this.listener.onChange();
  }

  private finish(items: Item[]) {
    const open = items.filter(({ state }) => state !== "done");
    this.count({
      done: open.length,
      sentBytes: open.reduce((sum, { size, sent }) => sum + size - sent, 0),
    });
    for (const item of open) Object.assign(item, { state: "done", sent: item.size });
    this.listener.onChange();
  }

  private count(by: Partial<Totals>) {
    const next = { ...this.totals };
    for (const [name, value] of Object.entries(by) as [keyof Totals, number][]) next[name] += value;
    this.totals = next;
  }
}

const toItem = ({ file, path }: Picked): Item => ({
  key: `item-${counter++}`,
  name: path,
  file,
  size: file.size,
  sent: 0,
  state: "waiting",
  read: isArchive(path) ? [0, 0] : null,
});
