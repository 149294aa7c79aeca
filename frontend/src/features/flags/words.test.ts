import { expect, test } from "vitest";

import { dayOf, endOfDay, forWhom } from "./words";

test("says for whom a feature is on", () => {
  expect(forWhom({ state: "off", roles: [], people: [] })).toBe("off for everybody");
  expect(forWhom({ state: "some", roles: ["trainer", "administrator"], people: ["a"] }, { a: "Ada" })).toBe(
    "on for trainers, administrators, and Ada",
  );
  expect(forWhom({ state: "some", roles: [], people: ["a", "b"] })).toBe("on for 2 people");
});

test("a day ends where the browser is, and comes back as the same day", () => {
  expect(dayOf(endOfDay("2030-02-28"))).toBe("2030-02-28");
});
