import { describe, expect, it } from "vitest";

import { costText } from "./HostedOutcome";

const cost = (by: object) => ({ estimate: 6, cost: 0, owed: [], ...by });

describe("costText", () => {
  it("expects while it runs", () =>
    expect(costText({ state: "running", cost: cost({ cost: 3 }) })).toBe("about $0.06"));
  it("says what was settled", () =>
    expect(costText({ state: "failed", cost: cost({ cost: 5.6 }) })).toBe("$0.056 paid"));
  it("does not promise what nobody knows", () => {
    expect(costText({ state: "failed", cost: cost({ owed: [0] }) })).toBe("perhaps $0.06 paid");
    expect(costText({ state: "succeeded", cost: cost({}) })).toBe("about $0.06");
    expect(costText({ state: "failed", cost: cost({}) })).toBe("nothing charged");
  });
  it("is silent where nothing is paid", () => expect(costText({ state: "running", cost: null })).toBe(""));
});
