import { expect, test, vi } from "vitest";

import type { Finding } from "@/api/generated";

import { follow, leadOf } from "./leads";

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
  const kinds = ["empty", "too_few", "low_variety", "caption_missing", "caption_identical", "trigger_missing"];
  for (const kind of kinds) expect(leadOf(finding(kind as Finding["kind"]))?.words).toBeTruthy();
});

test("a lead presses the button it leads to", async () => {
  const button = document.createElement("button");
  button.dataset.lead = "add-images";
  button.scrollIntoView = vi.fn();
  const pressed = vi.fn();
  button.addEventListener("click", pressed);
  document.body.append(button);
  follow(leadOf(finding("too_few"))!);
  await new Promise((done) => requestAnimationFrame(done));
  expect(pressed).toHaveBeenCalledOnce();
  expect(document.activeElement).toBe(button);
});
