export interface Difference {
  start: string;
  removed: string;
  added: string;
  end: string;
}

/** Where two texts differ: what they share at both ends, and what lies between, cut at words. */
export function differ(before: string, after: string): Difference {
  const a = before.split(/(\s+)/);
  const b = after.split(/(\s+)/);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (
    tail < a.length - head &&
    tail < b.length - head &&
    a[a.length - 1 - tail] === b[b.length - 1 - tail]
  )
    tail++;
  return {
    start: a.slice(0, head).join(""),
    removed: a.slice(head, a.length - tail).join(""),
    added: b.slice(head, b.length - tail).join(""),
    end: a.slice(a.length - tail).join(""),
  };
}
