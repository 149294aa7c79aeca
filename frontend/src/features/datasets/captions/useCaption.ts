import { useCallback, useEffect, useRef, useState } from "react";

import { problemOf } from "@/api/problem";

export type CaptionState = "idle" | "saving" | "saved" | "failed" | "conflict";

interface Draft {
  text: string;
  base: string;
}

export type SaveCaption = (id: string, text: string, expected: string) => Promise<unknown>;

const PAUSE_MS = 500;
const keyOf = (id: string) => `fluxtune:caption:${id}`;

export function readDraft(id: string): Draft | null {
  try {
    const found = JSON.parse(localStorage.getItem(keyOf(id)) ?? "null") as Partial<Draft> | null;
    return typeof found?.text === "string" && typeof found.base === "string" ? (found as Draft) : null;
  } catch {
    return null;
  }
}

export function keepDraft(id: string, draft: Draft | null) {
  try {
    if (draft) localStorage.setItem(keyOf(id), JSON.stringify(draft));
    else localStorage.removeItem(keyOf(id));
  } catch {
    // Storage may be full or switched off; the text then lives as long as the page.
  }
}

/**
 * A caption saved as it is typed: after a pause, on leaving the field, and when the page goes away. What could not be
 * saved is kept in this browser and saved when the field is seen again. When another text came in between, both stay
 * until somebody chooses.
 */
export function useCaption(id: string, stored: string, save: SaveCaption) {
  // Asked once: storage is slow, and hundreds of cards are made while a page is scrolled.
  const [kept] = useState(() => readDraft(id));
  const [typed, setTyped] = useState<string | null>(kept?.text ?? null);
  const [state, setState] = useState<CaptionState>("idle");
  const unsaved = useRef<Draft | null>(kept);
  const acknowledged = useRef<string | null>(null);
  // While two texts wait for a choice nothing is sent: leaving the field for a button must not take the button away.
  const isTorn = useRef(false);
  const timer = useRef(0);
  const latest = useRef({ stored, save });
  useEffect(() => {
    latest.current = { stored, save };
  });

  const flush = useCallback(() => {
    window.clearTimeout(timer.current);
    const draft = unsaved.current;
    if (draft === null || isTorn.current) return;
    unsaved.current = null;
    setState("saving");
    latest.current.save(id, draft.text, draft.base).then(
      () => {
        acknowledged.current = draft.text;
        if (unsaved.current !== null) {
          unsaved.current = { ...(unsaved.current as Draft), base: draft.text };
          keepDraft(id, unsaved.current);
          return;
        }
        keepDraft(id, null);
        setTyped(null);
        setState("saved");
      },
      (error: unknown) => {
        unsaved.current ??= draft;
        isTorn.current = problemOf(error).type.endsWith("caption-changed");
        setState(isTorn.current ? "conflict" : "failed");
      },
    );
  }, [id]);

  const type = useCallback(
    (text: string) => {
      const base = unsaved.current?.base ?? acknowledged.current ?? latest.current.stored;
      unsaved.current = { text, base };
      keepDraft(id, unsaved.current);
      setTyped(text);
      setState((old) => (old === "conflict" ? old : "saving"));
      window.clearTimeout(timer.current);
      timer.current = window.setTimeout(flush, PAUSE_MS);
    },
    [flush, id],
  );

  /** Of two texts keep one: the one typed here, or the one that came in between. */
  const settle = useCallback(
    (mine: boolean) => {
      const draft = unsaved.current;
      isTorn.current = false;
      if (mine && draft) {
        unsaved.current = { text: draft.text, base: latest.current.stored };
        flush();
        return;
      }
      window.clearTimeout(timer.current);
      unsaved.current = null;
      acknowledged.current = null;
      keepDraft(id, null);
      setTyped(null);
      setState("idle");
    },
    [flush, id],
  );

  // What a captioner or a bulk step wrote since is what typing starts from.
  useEffect(() => {
    if (typed === null) acknowledged.current = null;
  }, [stored, typed]);

  useEffect(() => {
    if (unsaved.current) timer.current = window.setTimeout(flush, PAUSE_MS);
    window.addEventListener("pagehide", flush);
    return () => {
      window.removeEventListener("pagehide", flush);
      flush();
    };
  }, [flush]);

  return { text: typed ?? stored, type, flush, settle, state };
}
