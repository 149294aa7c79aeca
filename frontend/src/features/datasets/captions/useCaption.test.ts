import { beforeEach, describe, expect, it } from "vitest";

import { keepDraft, readDraft } from "./useCaption";

function memory(): Storage {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as Storage;
}

describe("drafts of captions", () => {
  beforeEach(() => {
    Object.defineProperty(globalThis, "localStorage", { value: memory(), configurable: true });
  });

  it("come back as they were kept", () => {
    keepDraft("a", { text: "a cat", base: "" });
    expect(readDraft("a")).toEqual({ text: "a cat", base: "" });
    expect(readDraft("b")).toBeNull();
    keepDraft("a", null);
    expect(readDraft("a")).toBeNull();
  });

  it("are dropped when they are broken", () => {
    for (const broken of ["{", "null", '{"text": 3}', '"a"', '{"text": "a"}']) {
      localStorage.setItem("fluxtune:caption:a", broken);
      expect(readDraft("a")).toBeNull();
    }
  });
});
