import { describe, expect, it } from "vitest";

import { FREE, roleReason, RULE_OF, standingOf } from "./standing";

const team = (role: "viewer" | "creator" | "trainer", permissions: string[]) => ({
  role,
  permissions: ["self", "read", ...permissions],
  is_team: true,
});
const theirs = { owner: "Ada", may_change: false };

describe("whether a thing may be changed", () => {
  it("is left open until it is known who asks", () => {
    expect(standingOf("dataset", undefined, undefined)).toEqual({ may: false, why: "" });
    expect(standingOf("dataset", team("creator", ["create"]), undefined)).toEqual({ may: false, why: "" });
  });

  it("is so for the one owner of a studio, without asking whose the thing is", () => {
    const local = { ...team("trainer", ["create", "train"]), is_team: false };
    expect(standingOf("model", local, undefined)).toBe(FREE);
  });

  it("goes by the role first, and says which one it takes", () => {
    const standing = standingOf("dataset", team("viewer", []), { ...theirs, may_change: true });
    expect(standing.may).toBe(false);
    expect(standing.why).toContain("It takes the role of a creator; yours is viewer.");
    expect(standingOf("finetune", team("creator", ["create"]), undefined).why).toContain("a trainer");
  });

  it("goes by what its owner has shared then", () => {
    const creator = team("creator", ["create"]);
    expect(standingOf("dataset", creator, { owner: "Ada", may_change: true })).toBe(FREE);
    expect(standingOf("dataset", creator, theirs).why).toBe(
      "You can look at this dataset, not change it: it is Ada’s. You may use it, or make a copy.",
    );
    expect(standingOf("generation", creator, { owner: null, may_change: false }).why).toContain(
      "somebody else’s",
    );
  });

  it("asks of each kind what the server asks", () => {
    expect(RULE_OF).toEqual({ dataset: "create", generation: "create", finetune: "train", model: "train" });
    expect(roleReason("administer", "trainer")).toContain("an administrator; yours is trainer");
  });
});
