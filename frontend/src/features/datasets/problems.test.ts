import { expect, test } from "vitest";

import { weightsOf, withTrigger } from "./problems";

test("findings are counted by weight, the heaviest first", () => {
  expect(weightsOf([])).toBe("Nothing to mend");
  expect(weightsOf([{ severity: "hint" }, { severity: "warning" }, { severity: "hint" }])).toBe(
    "1 warning, 2 hints",
  );
  expect(weightsOf([{ severity: "error" }])).toBe("1 error");
});

test("the trigger word is put in front where it is missing", () => {
  expect(withTrigger("a mug", "lumo")).toBe("lumo a mug");
  expect(withTrigger("a Lumo mug", "lumo")).toBe("a Lumo mug");
  expect(withTrigger("", "lumo")).toBe("lumo");
});
