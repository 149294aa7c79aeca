import { call } from "@/api/call";
import { findKnownImages, type ArrivalProgress, type UploadReport } from "@/api/generated";
import { asProblem, ProblemError } from "@/api/problem";

import type { Transport } from "./upload-queue";

/** Larger files are not read twice: reading them for their hash would take longer than asking the server later. */
const HASH_BYTES = 64 * 1024 * 1024;

interface Listening {
  onSent: (bytes: number) => void;
  onText?: (text: string) => void;
}

/** Send a form. `fetch` does not tell how much of it has left; this does. */
function post(url: string, form: FormData, { onSent, onText }: Listening): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.upload.onprogress = ({ loaded }) => onSent(loaded);
    request.onprogress = () => request.status < 400 && onText?.(request.responseText);
    request.onload = () => {
      if (request.status < 400) return resolve(request.responseText);
      let body: unknown = request.responseText;
      try {
        body = JSON.parse(request.responseText);
      } catch {
        // What is no JSON is shown as it is.
      }
      reject(new ProblemError(asProblem(body, request.status)));
    };
    request.onerror = request.onabort = () =>
      reject(new ProblemError(asProblem("The connection broke off.", 0)));
    request.send(form);
  });
}

/** The events in the text of a stream, from `from` on; and where the rest of it begins. */
export function readEvents(text: string, from: number): { events: ArrivalProgress[]; next: number } {
  const end = text.lastIndexOf("\n") + 1;
  const events = text
    .slice(from, end)
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => JSON.parse(line.slice(6)) as ArrivalProgress);
  return { events, next: Math.max(from, end) };
}

async function hashOf(file: File): Promise<string | null> {
  // Browsers hash on secure pages and on this computer only; elsewhere the server finds duplicates when they arrive.
  if (!window.isSecureContext || file.size > HASH_BYTES) return null;
  try {
    const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    return null;
  }
}

export function transportTo(datasetId: string): Transport {
  const address = `/api/datasets/${encodeURIComponent(datasetId)}`;
  return {
    hash: hashOf,
    known: (hashes) => call(findKnownImages({ path: { dataset_id: datasetId }, body: { hashes } })),
    send: async (files, position, onSent) => {
      const form = new FormData();
      for (const { file, path } of files) form.append("files", file, path);
      form.append("position", String(position));
      return JSON.parse(await post(`${address}/images`, form, { onSent })) as UploadReport;
    },
    sendArchive: async ({ file, path }, onSent, onStep) => {
      const form = new FormData();
      form.append("file", file, path);
      let place = 0;
      const take = (text: string) => {
        const { events, next } = readEvents(text, place);
        place = next;
        events.forEach(onStep);
      };
      take(await post(`${address}/archives`, form, { onSent, onText: take }));
    },
  };
}
