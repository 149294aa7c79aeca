/** Which files go up together: an image with its caption file, a few at a time, archives alone. */

export interface Picked {
  file: File;
  path: string;
}

export interface Part {
  files: Picked[];
  kind: "files" | "archive";
  /** Names images of its whole folder, so it goes when they are there. */
  isLast: boolean;
  imageCount: number;
}

const BATCH_FILES = 8;
const BATCH_BYTES = 24 * 1024 * 1024;
const JUNK = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$)/i;

export const isArchive = (path: string) => /\.zip$/i.test(path);
export const isCaption = (path: string) => /\.(txt|caption|json|jsonl|csv)$/i.test(path);
const isMetadata = (path: string) => /(^|\/)metadata\.(jsonl|csv)$/i.test(path);
const stemOf = (path: string) => path.replace(/\.[^./]+$/, "").toLowerCase();

export function withoutJunk(picked: Picked[]): Picked[] {
  return picked.filter(({ path }) => !JUNK.test(path));
}

export function planUploads(picked: Picked[]): Part[] {
  const last: Part[] = [];
  const together = new Map<string, Picked[]>();
  for (const one of withoutJunk(picked)) {
    if (isArchive(one.path)) last.push({ files: [one], kind: "archive", isLast: false, imageCount: 0 });
    else if (isMetadata(one.path)) last.unshift({ files: [one], kind: "files", isLast: true, imageCount: 0 });
    else together.set(stemOf(one.path), [...(together.get(stemOf(one.path)) ?? []), one]);
  }
  const parts: Part[] = [];
  let batch: Picked[] = [];
  let size = 0;
  const close = () => {
    if (batch.length === 0) return;
    const imageCount = batch.filter(({ path }) => !isCaption(path)).length;
    parts.push({ files: batch, kind: "files", isLast: false, imageCount });
    [batch, size] = [[], 0];
  };
  for (const group of together.values()) {
    const groupSize = group.reduce((sum, { file }) => sum + file.size, 0);
    if (batch.length + group.length > BATCH_FILES || size + groupSize > BATCH_BYTES) close();
    batch.push(...group);
    size += groupSize;
  }
  close();
  return [...parts, ...last];
}

/** The path of a dropped or picked file inside its folder, as far as the browser tells. */
export function pathOf(file: File & { path?: string; relativePath?: string }): string {
  const path = file.relativePath ?? (file.webkitRelativePath || file.path || file.name);
  return path.replace(/^(\.?\/)+/, "") || file.name;
}
