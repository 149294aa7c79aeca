import { useCallback, useEffect, useRef, useState } from "react";

export type SaveState = "idle" | "saving" | "saved" | "failed";

const PAUSE_MS = 500;

/**
 * Text saved as it is typed: shortly after a pause, on leaving the field, and when the page goes away.
 * What the server holds is shown unless something newer has been typed here.
 */
export function useAutosave(stored: string, save: (text: string) => Promise<unknown>) {
  const [typed, setTyped] = useState<string | null>(null);
  const [state, setState] = useState<SaveState>("idle");
  const unsaved = useRef<string | null>(null);
  const timer = useRef(0);
  const latestSave = useRef(save);
  useEffect(() => {
    latestSave.current = save;
  });

  const flush = useCallback(() => {
    window.clearTimeout(timer.current);
    const text = unsaved.current;
    if (text === null) return;
    unsaved.current = null;
    setState("saving");
    latestSave.current(text).then(
      () => {
        if (unsaved.current !== null) return;
        setTyped(null);
        setState("saved");
      },
      () => {
        unsaved.current ??= text;
        setState("failed");
      },
    );
  }, []);

  const type = useCallback(
    (text: string) => {
      setTyped(text);
      unsaved.current = text;
      setState("saving");
      window.clearTimeout(timer.current);
      timer.current = window.setTimeout(flush, PAUSE_MS);
    },
    [flush],
  );

  useEffect(() => {
    window.addEventListener("pagehide", flush);
    return () => {
      window.removeEventListener("pagehide", flush);
      flush();
    };
  }, [flush]);

  return { text: typed ?? stored, type, flush, state };
}
