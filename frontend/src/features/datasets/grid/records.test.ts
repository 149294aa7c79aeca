import { describe, expect, it } from "vitest";

import type { GridChanges, GridImage } from "@/api/generated";

import { changesTheView, nextPause } from "./records";

const image = (id: string, tags: string[] = []) => ({ id, tags }) as GridImage;
const changes = (by: Partial<GridChanges>): GridChanges => ({
  images: [],
  removed_ids: [],
  is_too_much: false,
  revision: "",
  ...by,
});
const known = new Map([["a", image("a")]]);
const look = (by: Partial<GridChanges>) => changesTheView(changes(by), new Set(["a"]), (id) => known.get(id));

describe("what asks for the view again", () => {
  it("is not a caption", () => expect(look({ images: [image("a")] })).toBe(false));
  it("is an image that came", () => expect(look({ images: [image("b")] })).toBe(true));
  it("is an image that went", () => expect(look({ removed_ids: ["a"] })).toBe(true));
  it("is not an image that went and wasn't here", () => expect(look({ removed_ids: ["z"] })).toBe(false));
  it("is a tag", () => expect(look({ images: [image("a", ["night"])] })).toBe(true));
  it("is more than can be told", () => expect(look({ is_too_much: true })).toBe(true));
});

describe("nextPause", () => {
  it("slows down while nothing happens, and is quick again once something did", () => {
    expect(nextPause(4_000, false)).toBe(8_000);
    expect(nextPause(8_000, false)).toBe(16_000);
    expect(nextPause(16_000, false)).toBe(16_000);
    expect(nextPause(16_000, true)).toBe(4_000);
  });
});
