import { expect, test } from "vitest";

import type { Finding } from "@/api/generated";

import { leadOf } from "./leads";

const finding = (kind: Finding["kind"], fix: Finding["fix"] = null): Finding => ({
  kind,
  fix,
  severity: "hint",
  sentence: "",
  action: "",
  dataset_image_ids: [],
  groups: [],
});

test("what a button mends needs no lead, and what no button mends has one", () => {
  expect(leadOf(finding("caption_missing", "caption_with_trigger"))).toBeUndefined();
  const kinds = [
    "empty",
    "too_few",
    "low_variety",
    "caption_missing",
    "caption_identical",
    "trigger_missing",
  ];
  for (const kind of kinds) expect(leadOf(finding(kind as Finding["kind"]))?.words).toBeTruthy();
});
