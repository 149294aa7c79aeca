import { QueryClient } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";

import { applyEvent, askStudioAnew, withLoss, withSample } from "./apply";
import type { StudioEvent } from "./events";
import type { Finetune, Generation, Job, LossPoint } from "./generated";
import { fieldErrors, ProblemError } from "./problem";

const event = (type: string, data: object, kind = "finetune") =>
  ({ id: 1, job_id: "j", kind, target_id: "t", at: "2026-11-23T00:00:00Z", type, data }) as StudioEvent;

describe("applyEvent", () => {
  it("moves a running finetune everywhere it is shown", () => {
    const client = new QueryClient();
    client.setQueryData(["jobs", "active"], [{ id: "j", step: 0 } as Job]);
    client.setQueryData(["finetune", "t"], { id: "t", step: 0 } as Finetune);
    client.setQueryData(["finetune", "t", "loss"], []);
    applyEvent(client, event("job.progressed", { step: 7, steps: 60, eta_s: 20, loss: 0.5, smoothed: 0.6 }));
    expect(client.getQueryData<Job[]>(["jobs", "active"])?.[0]).toMatchObject({
      state: "running",
      step: 7,
      eta_s: 20,
    });
    expect(client.getQueryData<Finetune>(["finetune", "t"])).toMatchObject({ step: 7, steps: 60 });
    expect(client.getQueryData<LossPoint[]>(["finetune", "t", "loss"])).toHaveLength(1);
  });

  it("counts each image's own steps and fills its slot", () => {
    const client = new QueryClient();
    const slots = [0, 1].map((index) => ({ index, seed: index, step: 0, result: null }));
    client.setQueryData(["generations"], [{ id: "t", steps: 20, slots } as unknown as Generation]);
    applyEvent(client, event("job.progressed", { index: 1, step: 26, steps: 40, eta_s: 3 }, "generation"));
    applyEvent(
      client,
      event("job.image_finished", { index: 0, result: { image: { id: "i" } } }, "generation"),
    );
    const [generation] = client.getQueryData<Generation[]>(["generations"]) ?? [];
    expect(generation.slots[1].step).toBe(6);
    expect(generation.slots[0].result?.image.id).toBe("i");
  });
});

it("lets a resumed run write its steps again", () => {
  const before = [1, 2, 3].map((step) => ({ step }) as LossPoint);
  expect(withLoss(before, { step: 2, steps: 9, eta_s: null, loss: 1 }).map(({ step }) => step)).toEqual([
    1, 2,
  ]);
});

it("grows a sample sheet in order", () => {
  const image = { id: "i" } as never;
  let sheet = withSample({ prompts: [], steps: [], cells: [] }, { row: 0, step: 20, prompt: "a", image });
  sheet = withSample(sheet, { row: 0, step: 0, prompt: "a", image });
  sheet = withSample(sheet, { row: 0, step: 20, prompt: "a", image });
  expect(sheet).toMatchObject({ prompts: ["a"], steps: [0, 20] });
  expect(sheet.cells).toHaveLength(2);
});

it("finds the field an error belongs to", () => {
  const errors = [
    { field: "recipe.steps", message: "Too many." },
    { field: "recipe.sample_prompts.3", message: "Too long." },
  ];
  const problem = { type: "", title: "", status: 422, detail: "", action: "", technical: null, errors };
  expect(fieldErrors(new ProblemError(problem))).toEqual({ steps: "Too many.", sample_prompts: "Too long." });
});

describe("a change of the studio itself", () => {
  it("asks again for what pages are drawn by, and for nothing else", () => {
    const client = new QueryClient();
    for (const key of [["session"], ["flags"], ["settings", "changes"], ["datasets", {}]])
      client.setQueryData(key, {});
    askStudioAnew(client);
    const isOld = (key: unknown[]) => client.getQueryState(key)?.isInvalidated;
    expect([["session"], ["flags"], ["settings", "changes"]].map(isOld)).toEqual([true, true, true]);
    expect(isOld(["datasets", {}])).toBe(false);
  });
});
