import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";

import { isArchive, isCaption, pathOf, withoutJunk } from "./upload-plan";
import { UploadQueue, type Item, type Totals } from "./upload-queue";
import { transportTo } from "./upload-transport";

export interface Pending {
  key: string;
  name: string;
  preview: string | null;
  state: Item["state"];
}

export interface Refused {
  key: string;
  name: string;
  reason: string;
  action: string;
}

export interface UploadState {
  items: Item[];
  pending: Pending[];
  totals: Totals;
  isBusy: boolean;
  isPaused: boolean;
  trouble: string;
}

const SHOWN = 24;
const NOTHING: Pending[] = [];
const REDRAW_MS = 120;
const REFRESH_MS = 1_500;
let counter = 0;

const memoryOf = (datasetId: string) => `fluxtune:upload:${datasetId}`;

/** How many files an upload that a reload or a crash cut off still had to send; 0 when none was. */
function interrupted(datasetId: string): number {
  return Number(localStorage.getItem(memoryOf(datasetId))) || 0;
}

function remember(datasetId: string, left: number) {
  try {
    if (left > 0) localStorage.setItem(memoryOf(datasetId), String(left));
    else localStorage.removeItem(memoryOf(datasetId));
  } catch {
    // Without storage nobody is reminded; what was sent is found by its content all the same.
  }
}

/** Pictures of files under way; those of what arrived are let go of, for thousands of photographs would not fit. */
class Previews {
  private readonly urls = new Map<File, string>();

  of(items: Item[]): Pending[] {
    const images = items.filter(({ name }) => !isCaption(name)).slice(0, SHOWN / 2);
    const files = new Set(images.map(({ file }) => file));
    this.release((file) => !files.has(file));
    return images.map(({ key, name, file, state }) => ({ key, name, state, preview: this.show(file) }));
  }

  release(isGone: (file: File) => boolean) {
    for (const [file, url] of this.urls) {
      if (!isGone(file)) continue;
      URL.revokeObjectURL(url);
      this.urls.delete(file);
    }
  }

  private show(file: File): string | null {
    if (!file.type.startsWith("image/") || isArchive(file.name)) return null;
    const url = this.urls.get(file) ?? URL.createObjectURL(file);
    this.urls.set(file, url);
    return url;
  }
}

/** Run something soon, and however often it is asked for, not more often than this. */
function atMostEvery(ms: number, run: () => void): () => void {
  let timer = 0;
  return () => {
    timer ||= window.setTimeout(() => {
      timer = 0;
      run();
    }, ms);
  };
}

function stateOf(queue: UploadQueue, previews: Previews): UploadState {
  const items = queue.upcoming(SHOWN);
  return {
    items,
    pending: previews.of(items),
    totals: queue.totals,
    isBusy: queue.isBusy,
    isPaused: queue.isPaused,
    trouble: queue.trouble,
  };
}

/** Files on their way into a dataset: seen at once, sent in parts, each with its own fate. */
export function useUpload(datasetId: string) {
  const client = useQueryClient();
  const [refused, setRefused] = useState<Refused[]>([]);
  const [notes, setNotes] = useState<string[]>([]);
  const [left, setLeft] = useState(() => interrupted(datasetId));
  const [state, setState] = useState<UploadState | null>(null);

  const [queue, previews] = useMemo(() => {
    const pictures = new Previews();
    const refresh = () => void client.invalidateQueries({ queryKey: ["dataset", datasetId] });
    const refreshNow = atMostEvery(REFRESH_MS, refresh);
    const draw = atMostEvery(REDRAW_MS, () => {
      setState(stateOf(made, pictures));
      remember(datasetId, made.isBusy ? made.totals.files - made.totals.done : 0);
    });
    const made: UploadQueue = new UploadQueue(transportTo(datasetId), {
      onChange: draw,
      onReport: (report) => {
        setNotes((old) => [...new Set([...old, ...report.notes])].slice(0, 20));
        refreshNow();
      },
      onRefused: (files) =>
        setRefused((old) => [...old, ...files.map((file) => ({ ...file, key: `refused-${counter++}` }))]),
      onIdle: () => {
        refresh();
        void client.invalidateQueries({ queryKey: ["datasets"] });
      },
    });
    return [made, pictures] as const;
  }, [client, datasetId]);

  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => queue.isBusy && event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => {
      window.removeEventListener("beforeunload", warn);
      previews.release(() => true);
    };
  }, [queue, previews]);

  const add = useCallback(
    (files: File[]) => {
      const picked = withoutJunk(files.map((file) => ({ file, path: pathOf(file) })));
      if (picked.length === 0) return;
      setNotes([]);
      setLeft(0);
      void queue.add(picked);
    },
    [queue],
  );

  return {
    pending: state?.pending ?? NOTHING,
    refused,
    notes,
    state,
    note: state ? summary(state.totals) : "",
    /** Files that were still to come when the page was left. */
    interrupted: left,
    forget: useCallback(() => {
      remember(datasetId, 0);
      setLeft(0);
    }, [datasetId]),
    add,
    pause: useCallback(() => queue.pause(), [queue]),
    resume: useCallback(() => queue.resume(), [queue]),
    cancel: useCallback(() => queue.cancel(), [queue]),
    dismiss: useCallback(() => setRefused([]), []),
  };
}

export type Upload = ReturnType<typeof useUpload>;

export function summary({ added, known, captions }: Totals): string {
  return [
    added > 0 && `${added.toLocaleString()} ${added === 1 ? "image" : "images"} added`,
    captions > 0 && `${captions.toLocaleString()} ${captions === 1 ? "caption" : "captions"} read from files`,
    known > 0 && `${known.toLocaleString()} already here`,
  ]
    .filter(Boolean)
    .join(", ");
}
