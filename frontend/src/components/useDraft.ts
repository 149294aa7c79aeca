import { useCallback, useEffect, useState } from "react";

function read<T>(key: string): Partial<T> | null {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null") as Partial<T> | null;
  } catch {
    return null;
  }
}

/**
 * State kept in this browser as one types, so that a refresh loses nothing.
 * `given` (what an address asked for) wins over what was kept.
 */
export function useDraft<T extends object>(name: string, empty: T, given: Partial<T> = {}) {
  const key = `fluxtune:draft:${name}`;
  const [draft, setDraft] = useState<T>(() => ({ ...empty, ...read<T>(key), ...given }));

  useEffect(() => {
    try {
      localStorage.setItem(key, JSON.stringify(draft));
    } catch {
      // Storage may be full or switched off; the draft then lives as long as the page.
    }
  }, [key, draft]);

  const update = useCallback(
    (by: Partial<T> | ((old: T) => Partial<T>)) =>
      setDraft((old) => ({ ...old, ...(typeof by === "function" ? by(old) : by) })),
    [],
  );
  const clear = useCallback(() => {
    localStorage.removeItem(key);
    setDraft(empty);
    // The empty draft is a constant of its page.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key]);
  return [draft, update, clear] as const;
}
