import { useEffect, useRef, useState } from "react";

import { call } from "@/api/call";
import { uploadImage } from "@/api/generated";

/** Keeps files as images of the studio, one after another; also what is pasted anywhere on the page. */
export function useImageUpload(onKept: (ids: string[]) => void) {
  const [waiting, setWaiting] = useState(0);
  const [error, setError] = useState<unknown>(null);
  const keep = async (files: (File | null)[]) => {
    const list = files.filter((file) => file !== null);
    if (!list.length) return;
    setError(null);
    setWaiting((count) => count + list.length);
    for (const file of list) {
      try {
        onKept([(await call(uploadImage({ body: { file } }))).id]);
      } catch (reason) {
        setError(reason);
      }
      setWaiting((count) => count - 1);
    }
  };
  const latest = useRef(keep);
  useEffect(() => {
    latest.current = keep;
  });
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])].filter(({ type }) => type.startsWith("image/"));
      if (!files.length) return;
      event.preventDefault();
      void latest.current(files);
    };
    window.addEventListener("paste", paste);
    return () => window.removeEventListener("paste", paste);
  }, []);
  return { keep, waiting, error };
}
