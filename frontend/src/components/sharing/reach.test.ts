import { describe, expect, it } from "vitest";

import { draftOf, reachOf, updateOf, type SharingDraft } from "./reach";

const ann = { person_id: "a", name: "Ann", may: "see" } as const;
const ben = { person_id: "b", name: "Ben", may: "change" } as const;
const draft = (values: Partial<SharingDraft>): SharingDraft => ({
  reach: "people",
  everyoneMay: "see",
  people: [ann, ben],
  ...values,
});

describe("reach", () => {
  it("is what most may see it", () => {
    expect(reachOf({ everyone: null, people: [] })).toBe("private");
    expect(reachOf({ everyone: null, people: [ann] })).toBe("people");
    expect(reachOf({ everyone: "see", people: [ben] })).toBe("everyone");
  });

  it("comes back as it was", () => {
    const sharing = { owner_id: "o", owner: "O", is_mine: true, may_change: true };
    const update = updateOf(draftOf({ ...sharing, everyone: null, people: [ann, ben] }));
    expect(update).toEqual({ everyone: null, people: { a: "see", b: "change" } });
  });

  it("of nobody takes everybody off", () => {
    expect(updateOf(draft({ reach: "private" }))).toEqual({ everyone: null, people: {} });
  });

  it("of everyone keeps those who may do more", () => {
    expect(updateOf(draft({ reach: "everyone" }))).toEqual({ everyone: "see", people: { b: "change" } });
    expect(updateOf(draft({ reach: "everyone", everyoneMay: "change" }))).toEqual({
      everyone: "change",
      people: {},
    });
  });
});
