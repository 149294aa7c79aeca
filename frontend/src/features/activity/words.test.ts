import { expect, test } from "vitest";

import { actionWords, differences } from "./words";

test("an action reads as words", () => {
  expect(actionWords("caption_server.added")).toBe("Caption server added");
});

test("only what differs is shown", () => {
  expect(differences({ state: "on", kept: 1 }, { state: "off", kept: 1, roles: ["trainer"] })).toEqual([
    { name: "state", before: "on", after: "off" },
    { name: "roles", before: "nothing", after: "trainer" },
  ]);
  expect(differences(null, { per_day: null })).toEqual([{ name: "per day", before: null, after: "nothing" }]);
  expect(differences(null, null)).toEqual([]);
});
