/** Which images are chosen, and from where a range with Shift goes. Pure, so that it can be tested. */
export interface Selection {
  ids: ReadonlySet<string>;
  anchor: string | null;
}

export const NOTHING: Selection = { ids: new Set(), anchor: null };

export interface Keys {
  shiftKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
}

/** A click on an image: alone it replaces, with Ctrl or ⌘ it adds or takes away, with Shift it adds a range. */
export function choose(old: Selection, all: readonly string[], id: string, keys: Keys): Selection {
  if (keys.shiftKey && old.anchor !== null) return extend(old, all, id);
  if (keys.ctrlKey || keys.metaKey) return toggle(old, id);
  return { ids: new Set([id]), anchor: id };
}

export function toggle(old: Selection, id: string): Selection {
  const ids = new Set(old.ids);
  if (!ids.delete(id)) ids.add(id);
  return { ids, anchor: id };
}

/** All images from the anchor to this one are added; the anchor stays, so that a range can be made longer. */
export function extend(old: Selection, all: readonly string[], id: string): Selection {
  const from = old.anchor === null ? -1 : all.indexOf(old.anchor);
  const to = all.indexOf(id);
  if (to < 0) return old;
  if (from < 0) return { ids: new Set([...old.ids, id]), anchor: id };
  const range = all.slice(Math.min(from, to), Math.max(from, to) + 1);
  return { ids: new Set([...old.ids, ...range]), anchor: old.anchor };
}

export const chooseAll = (all: readonly string[]): Selection => ({
  ids: new Set(all),
  anchor: all[0] ?? null,
});

/** What is gone can't be chosen any more; the same object when nothing is. */
export function without(old: Selection, gone: ReadonlySet<string>): Selection {
  const ids = [...old.ids].filter((id) => !gone.has(id));
  if (ids.length === old.ids.size) return old;
  return { ids: new Set(ids), anchor: old.anchor !== null && gone.has(old.anchor) ? null : old.anchor };
}

/** Chosen images in the order of the dataset. */
export const inOrder = (selection: Selection, all: readonly string[]): string[] =>
  selection.ids.size === 0 ? [] : all.filter((id) => selection.ids.has(id));
