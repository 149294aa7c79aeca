import { useMutation, useQueryClient } from "@tanstack/react-query";

import { call } from "@/api/call";
import {
  changeDatasetImages,
  editDatasetImages,
  fixDataset,
  undoCaptionStep,
  type Finding,
  type FixResult,
} from "@/api/generated";
import { countOf } from "@/components/format";
import { toastGood, toastProblem, toastUndo } from "@/components/undo";

export type Fix = NonNullable<Finding["fix"]>;

export const FIX_WORDS: Record<Fix, string> = {
  remove_duplicates: "Keep the best of each",
  remove_small: "Remove small images",
  remove_blurred: "Remove blurred images",
  remove_compressed: "Remove compressed images",
  remove_transparent: "Remove transparent images",
  keep_different: "Keep the most different",
  crop_odd: "Cut to 3:2",
  caption_with_trigger: "Use the trigger word",
  insert_trigger: "Add the trigger word",
  single_trigger: "Say it once",
  shorten_captions: "Shorten them",
};

/** What a fix did, in a few words. */
export function saidOf({ changed_count, removed_ids, edits_before }: FixResult): string {
  if (changed_count === 0) return "There was nothing left to mend.";
  if (removed_ids.length > 0) return `${countOf(removed_ids.length, "image")} removed.`;
  if (edits_before.length > 0) return `${countOf(edits_before.length, "image")} cut.`;
  return `${countOf(changed_count, "caption")} changed.`;
}

async function takeBack(datasetId: string, result: FixResult) {
  const path = { dataset_id: datasetId };
  if (result.removed_ids.length > 0)
    await call(changeDatasetImages({ path, body: { ids: result.removed_ids, removed: false } }));
  if (result.edits_before.length > 0)
    await call(editDatasetImages({ path, body: { changes: result.edits_before } }));
  if (result.caption_step_id)
    await call(undoCaptionStep({ path, body: { step_id: result.caption_step_id } }));
}

/** Does what a finding's button says, with the way back. */
export function useFix(datasetId: string, base: string | null) {
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: ["dataset", datasetId] });
  return useMutation({
    mutationFn: (fix: Fix) => call(fixDataset({ path: { dataset_id: datasetId }, body: { fix, base } })),
    onSuccess: (result) => {
      if (result.changed_count === 0) toastGood(saidOf(result));
      else
        toastUndo(saidOf(result), async () => {
          await takeBack(datasetId, result);
          await refresh();
        });
    },
    onError: toastProblem,
    onSettled: refresh,
  });
}
