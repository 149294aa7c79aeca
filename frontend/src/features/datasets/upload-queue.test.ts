import { describe, expect, it, vi } from "vitest";

import type { UploadReport } from "@/api/generated";
import { asProblem, ProblemError } from "@/api/problem";

import type { Picked } from "./upload-plan";
import { UploadQueue, type Transport } from "./upload-queue";
import { readEvents } from "./upload-transport";

const picked = (path: string, size = 10): Picked => ({ path, file: { name: path, size } as File });
const many = (count: number) => Array.from({ length: count }, (_, index) => picked(`${index}.png`));
const reportOf = (count: number): UploadReport =>
  ({
    added: Array.from({ length: count }, () => ({})),
    duplicates: [],
    captioned_count: 0,
    refused: [],
    notes: [],
  }) as unknown as UploadReport;

function start(over: Partial<Transport> = {}) {
  const sent: { names: string[]; position: number }[] = [];
  const gates: (() => void)[] = [];
  const transport: Transport = {
    hash: (file) => Promise.resolve(file.name),
    known: () => Promise.resolve({ hashes: [], next_position: 5 }),
    send: (files, position) =>
      new Promise((resolve) => {
        sent.push({ names: files.map(({ path }) => path), position });
        gates.push(() => resolve(reportOf(files.length)));
      }),
    sendArchive: () => Promise.resolve(),
    ...over,
  };
  const refused: string[] = [];
  const queue = new UploadQueue(transport, {
    onChange: () => undefined,
    onReport: () => undefined,
    onRefused: (files) => refused.push(...files.map(({ name }) => name)),
    onIdle: () => undefined,
  });
  const settle = async () => {
    while (gates.length > 0) {
      gates.splice(0).forEach((open) => open());
      await vi.waitFor(() => undefined);
      await new Promise((resolve) => setTimeout(resolve));
    }
  };
  return { queue, sent, refused, settle, gates };
}

const soon = () => new Promise((resolve) => setTimeout(resolve));

describe("UploadQueue", () => {
  it("sends three parts at a time, each with its place from the start", async () => {
    const { queue, sent, settle } = start();
    await queue.add(many(40));
    await soon();
    expect(sent.map(({ position }) => position)).toEqual([5, 13, 21]);
    await settle();
    expect(sent.map(({ position }) => position)).toEqual([5, 13, 21, 29, 37]);
    expect(queue.isBusy).toBe(false);
    expect(queue.totals).toMatchObject({ files: 40, done: 40, added: 40, bytes: 400, sentBytes: 400 });
  });
  it("does not send what is known, but its caption", async () => {
    const { queue, sent, settle } = start({
      known: (hashes) =>
        Promise.resolve({ hashes: hashes.filter((hash) => hash === "a.png"), next_position: 0 }),
    });
    await queue.add([picked("a.png"), picked("a.txt"), picked("b.png")]);
    await soon();
    expect(sent[0].names).toEqual(["a.txt", "b.png"]);
    await settle();
    expect(queue.totals).toMatchObject({ done: 3, known: 1 });
  });
  it("sends nothing when all of a part is known", async () => {
    const { queue, sent } = start({ known: (hashes) => Promise.resolve({ hashes, next_position: 0 }) });
    await queue.add(many(8));
    await soon();
    expect(sent).toEqual([]);
    expect(queue.isBusy).toBe(false);
  });
  it("pauses and goes on", async () => {
    const { queue, sent, settle } = start();
    queue.pause();
    await queue.add(many(8));
    await soon();
    expect(sent).toEqual([]);
    queue.resume();
    await soon();
    expect(sent).toHaveLength(1);
    await settle();
    expect(queue.totals.done).toBe(8);
  });
  it("waits when the server is gone, and loses nothing", async () => {
    let isGone = true;
    const { queue, refused } = start({
      send: (files) =>
        isGone ? Promise.reject(new ProblemError(asProblem("", 0))) : Promise.resolve(reportOf(files.length)),
    });
    await queue.add(many(4));
    await soon();
    expect(queue.isPaused).toBe(true);
    expect(queue.trouble).toContain("go on when it is back");
    expect(queue.upcoming(10).map(({ state }) => state)).toEqual(Array(4).fill("waiting"));
    isGone = false;
    queue.resume();
    await soon();
    expect(queue.totals).toMatchObject({ done: 4, added: 4, sentBytes: 40 });
    expect(refused).toEqual([]);
  });
  it("names the files of a part that the server refuses, and goes on with the rest", async () => {
    let first = true;
    const { queue, refused } = start({
      send: (files) => {
        const answer = first
          ? Promise.reject(new ProblemError(asProblem({ title: "Too large", detail: "Too much." }, 413)))
          : Promise.resolve(reportOf(files.length));
        first = false;
        return answer;
      },
    });
    await queue.add(many(16));
    await soon();
    expect(refused).toHaveLength(8);
    expect(queue.totals).toMatchObject({ done: 16, refused: 8, added: 8 });
  });
  it("holds metadata back until the images are there", async () => {
    const { queue, sent, gates } = start();
    await queue.add([picked("metadata.jsonl"), ...many(8)]);
    await soon();
    expect(sent).toHaveLength(1);
    gates[0]();
    await soon();
    expect(sent[1].names).toEqual(["metadata.jsonl"]);
  });
  it("forgets what has not begun when stopped", async () => {
    const { queue, settle } = start();
    await queue.add(many(80));
    await soon();
    queue.cancel();
    await settle();
    expect(queue.totals).toMatchObject({ files: 24, done: 24 });
    expect(queue.isBusy).toBe(false);
  });
});

it("reads the events of a stream as they come, each once", () => {
  const one = `data: {"done":1}\n\n`;
  const first = readEvents(`${one}data: {"do`, 0);
  expect(first.events).toEqual([{ done: 1 }]);
  expect(readEvents(`${one}data: {"done":2}\n\n`, first.next).events).toEqual([{ done: 2 }]);
});
