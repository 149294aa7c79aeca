import { describe, expect, it } from "vitest";

import { pathOf, planUploads, type Picked } from "./upload-plan";

const picked = (path: string, size = 10): Picked => ({ path, file: { name: path, size } as File });
const paths = (plan: ReturnType<typeof planUploads>) =>
  plan.map(({ files }) => files.map(({ path }) => path));

describe("planUploads", () => {
  it("keeps an image and its caption together", () => {
    const files = ["a.png", "b.png", "c.png", "d.png", "e.png", "f.png", "g.png", "h.png", "h.txt"].map(
      (path) => picked(path),
    );
    const plan = planUploads(files);
    expect(plan).toHaveLength(2);
    expect(plan[1].files.map(({ path }) => path)).toEqual(["h.png", "h.txt"]);
    expect(plan.map(({ imageCount }) => imageCount)).toEqual([7, 1]);
  });
  it("sends archives alone and leaves junk behind", () => {
    const plan = planUploads([
      picked("all.zip"),
      picked("set/.DS_Store"),
      picked("__MACOSX/a.png"),
      picked("set/a.png"),
    ]);
    expect(paths(plan)).toEqual([["set/a.png"], ["all.zip"]]);
    expect(plan[1].kind).toBe("archive");
  });
  it("sends what names all images of a folder when they are there", () => {
    const plan = planUploads([picked("set/metadata.jsonl"), picked("set/a.png")]);
    expect(paths(plan)).toEqual([["set/a.png"], ["set/metadata.jsonl"]]);
    expect(plan.map(({ isLast }) => isLast)).toEqual([false, true]);
  });
  it("splits by size", () => {
    expect(planUploads([picked("a.png", 20e6), picked("b.png", 20e6)])).toHaveLength(2);
  });
});

it("reads the folder path", () => {
  expect(pathOf({ name: "a.png", path: "./set/a.png", webkitRelativePath: "" } as never)).toBe("set/a.png");
  expect(pathOf({ name: "a.png", webkitRelativePath: "" } as never)).toBe("a.png");
});
