import { describe, expect, it } from "vitest";

import { pathOf, planUploads, type Picked } from "./upload-plan";

const picked = (path: string, size = 10): Picked => ({ path, file: { name: path, size } as File });

describe("planUploads", () => {
  it("keeps an image and its caption together", () => {
    const files = ["a.png", "b.png", "c.png", "d.png", "e.png", "f.png", "g.png", "h.png", "h.txt"].map(
      (path) => picked(path),
    );
    const plan = planUploads(files);
    expect(plan).toHaveLength(2);
    expect(plan[1].map(({ path }) => path)).toEqual(["h.png", "h.txt"]);
  });
  it("sends archives alone and leaves junk behind", () => {
    const plan = planUploads([
      picked("all.zip"),
      picked("set/.DS_Store"),
      picked("__MACOSX/a.png"),
      picked("set/a.png"),
    ]);
    expect(plan.map((batch) => batch.map(({ path }) => path))).toEqual([["all.zip"], ["set/a.png"]]);
  });
  it("splits by size", () => {
    expect(planUploads([picked("a.png", 20e6), picked("b.png", 20e6)])).toHaveLength(2);
  });
});

it("reads the folder path", () => {
  expect(pathOf({ name: "a.png", path: "./set/a.png", webkitRelativePath: "" } as never)).toBe("set/a.png");
  expect(pathOf({ name: "a.png", webkitRelativePath: "" } as never)).toBe("a.png");
});
