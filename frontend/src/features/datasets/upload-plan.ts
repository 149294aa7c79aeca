/** Which files go up together: an image with its caption file, a few at a time, archives alone. */

export interface Picked {
  file: File;
  path: string;
}

const BATCH_FILES = 8;
const BATCH_BYTES = 24 * 1024 * 1024;
const JUNK = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$)/i;

export const isArchive = (path: string) => /\.zip$/i.test(path);
export const isCaption = (path: string) => /\.(txt|caption)$/i.test(path);
const stemOf = (path: string) => path.replace(/\.[^./]+$/, "").toLowerCase();

export function withoutJunk(picked: Picked[]): Picked[] {
  return picked.filter(({ path }) => !JUNK.test(path));
}

export function planUploads(picked: Picked[]): Picked[][] {
  const batches: Picked[][] = [];
  const together = new Map<string, Picked[]>();
  for (const one of withoutJunk(picked)) {
    if (isArchive(one.path)) batches.push([one]);
    else together.set(stemOf(one.path), [...(together.get(stemOf(one.path)) ?? []), one]);
  }
  let batch: Picked[] = [];
  let size = 0;
  for (const group of together.values()) {
    const groupSize = group.reduce((sum, { file }) => sum + file.size, 0);
    if (batch.length > 0 && (batch.length + group.length > BATCH_FILES || size + groupSize > BATCH_BYTES)) {
      batches.push(batch);
      [batch, size] = [[], 0];
    }
    batch.push(...group);
    size += groupSize;
  }
  return batch.length > 0 ? [...batches, batch] : batches;
}

/** The path of a dropped or picked file inside its folder, as far as the browser tells. */
export function pathOf(file: File & { path?: string; relativePath?: string }): string {
  const path = file.relativePath ?? (file.webkitRelativePath || file.path || file.name);
  return path.replace(/^(\.?\/)+/, "") || file.name;
}
