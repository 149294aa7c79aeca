import { describe, expect, it } from "vitest";

import type { HostedModel } from "@/api/generated";

import { abilities, canDraw, findHosted } from "./choice";

const hosted = (by: Partial<HostedModel>) =>
  ({
    id: "bfl:flux-2-pro",
    title: "FLUX.2 [pro]",
    description: "The everyday model",
    stage: "live",
    since: null,
    max_images: 8,
    needs_image: false,
    has_seed: true,
    takes_finetune: false,
    price: 3,
    ...by,
  }) as HostedModel;

const pro = hosted({});
const erase = hosted({ id: "bfl:flux-tools/erase-v1", title: "Erase", needs_image: true, max_images: 2 });
const old = hosted({ id: "bfl:flux-pro", title: "FLUX.1 [pro]", stage: "retired", since: "2025-10-31" });

describe("abilities", () => {
  it("says what it takes", () => expect(abilities(pro)).toEqual(["up to 8 images"]));
  it("says what it can't do without", () => expect(abilities(erase)).toEqual(["needs an image"]));
  it("says since when it is gone", () => expect(abilities(old)).toEqual(["retired 2025-10-31"]));
  it("marks what may change, and what has no seed", () =>
    expect(
      abilities(hosted({ stage: "beta", has_seed: false, max_images: 0, takes_finetune: true })),
    ).toEqual(["beta", "LoRA", "no seed"]));
});

describe("findHosted", () => {
  it("hides retired ones until they are asked for", () => {
    expect(findHosted([pro, erase, old], "")).toEqual([pro, erase]);
    expect(findHosted([pro, erase, old], "pro flux")).toEqual([pro, old]);
  });
  it("finds by what a model can do", () => expect(findHosted([pro, erase], "needs")).toEqual([erase]));
});

describe("canDraw", () => {
  it("not with what is retired, not here, or in the trash", () => {
    expect(canDraw({ kind: "hosted", model: old })).toBe(false);
    const local = (by: object) =>
      ({ kind: "local", model: { is_ready: true, deleted_at: null, ...by } }) as never;
    expect([local({}), local({ is_ready: false }), local({ deleted_at: "2026-01-01" })].map(canDraw)).toEqual(
      [true, false, false],
    );
  });
});
