import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, Info, TriangleAlert } from "lucide-react";

import { call } from "@/api/call";
import { fixDataset, type Finding } from "@/api/generated";
import { datasetCheckQuery } from "@/api/queries";
import { countOf } from "@/components/format";
import { Loaded } from "@/components/Loaded";
import { toastGood, toastProblem, toastUndo } from "@/components/undo";

import classes from "./CheckPanel.module.css";
import { FIX_WORDS, withTrigger } from "./problems";

interface CheckPanelProps {
  datasetId: string;
  trigger: string;
  recordsOf: (ids: string[]) => Promise<{ id: string; caption: string }[]>;
  onShow: (ids: string[]) => void;
  captionAll: (changes: { id: string; caption: string }[]) => Promise<void>;
}

const ICONS = { error: CircleAlert, warning: TriangleAlert, hint: Info };

export function CheckPanel({ datasetId, trigger, recordsOf, onShow, captionAll }: CheckPanelProps) {
  const client = useQueryClient();
  const check = useQuery(datasetCheckQuery(datasetId));
  const fix = useMutation({
    mutationFn: (name: NonNullable<Finding["fix"]>) =>
      call(fixDataset({ path: { dataset_id: datasetId }, body: { fix: name } })),
    onSuccess: (after) => {
      const removed = (check.data?.image_count ?? after.image_count) - after.image_count;
      toastGood(`${countOf(removed, "image")} removed.`);
    },
    onError: toastProblem,
    onSettled: () => client.invalidateQueries({ queryKey: ["dataset", datasetId] }),
  });
  const insert = useMutation({
    mutationFn: async (ids: string[]) => {
      const before = (await recordsOf(ids)).map(({ id, caption }) => ({ id, caption }));
      await captionAll(before.map(({ id, caption }) => ({ id, caption: withTrigger(caption, trigger) })));
      toastUndo(`“${trigger}” added to ${countOf(before.length, "caption")}.`, () => captionAll(before));
    },
    onError: toastProblem,
  });

  const fixOf = (finding: Finding) => {
    if (finding.fix) {
      return (
        <Button
          size="compact-sm"
          variant="default"
          loading={fix.isPending}
          onClick={() => fix.mutate(finding.fix!)}
        >
          {FIX_WORDS[finding.fix]}
        </Button>
      );
    }
    if (finding.kind === "trigger_missing" && trigger) {
      return (
        <Button
          size="compact-sm"
          variant="default"
          loading={insert.isPending}
          onClick={() => insert.mutate(finding.dataset_image_ids)}
        >
          Add “{trigger}” to them
        </Button>
      );
    }
    return null;
  };

  return (
    <section aria-label="Dataset check" className={classes.panel}>
      <h2 className={classes.title}>Check</h2>
      <Loaded query={check} skeleton={<p className="dim small">Checking…</p>}>
        {({ findings, image_count, captioned_count, is_trainable }) => (
          <>
            <p className={classes.counts}>
              {countOf(image_count, "image")}, {captioned_count} with a caption
            </p>
            {findings.length === 0 && (
              <p className={classes.fine}>
                <CircleCheck size={16} aria-hidden /> Nothing to mend. Ready to train.
              </p>
            )}
            <ul className={classes.list}>
              {findings.map((finding) => {
                const Icon = ICONS[finding.severity];
                return (
                  <li key={`${finding.kind}-${finding.sentence}`} data-severity={finding.severity}>
                    <Icon size={16} aria-label={finding.severity} />
                    <div>
                      <p className={classes.sentence}>{finding.sentence}</p>
                      <p className={classes.what}>{finding.action}</p>
                      <div className={classes.buttons}>
                        {fixOf(finding)}
                        {finding.dataset_image_ids.length > 0 && (
                          <Button
                            size="compact-sm"
                            variant="quiet"
                            onClick={() => onShow(finding.dataset_image_ids)}
                          >
                            Show {finding.dataset_image_ids.length === 1 ? "it" : "them"}
                          </Button>
                        )}
                      </div>
                    </div>
                  </li>
                );
              })}
            </ul>
            {is_trainable && findings.length > 0 && (
              <p className={classes.ok}>You can train now; these would make it better.</p>
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}
