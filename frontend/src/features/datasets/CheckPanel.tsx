import { Button, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, Info, TriangleAlert } from "lucide-react";
import { useState } from "react";

import type { Dataset, DatasetUpdate, Finding } from "@/api/generated";
import { basesQuery, datasetCheckQuery } from "@/api/queries";
import { countOf } from "@/components/format";
import { Fields, useMayChange } from "@/components/may/May";
import { Loaded } from "@/components/Loaded";

import { CheckLimits } from "./CheckLimits";
import classes from "./CheckPanel.module.css";
import { FIX_WORDS, useFix } from "./fixes";
import { follow, leadOf } from "./leads";

interface CheckPanelProps {
  dataset: Dataset;
  onShow: (ids: string[]) => void;
  onUpdate: (body: DatasetUpdate) => Promise<unknown>;
}

const ICONS = { error: CircleAlert, warning: TriangleAlert, hint: Info };

function FindingRow({ finding, fix, onShow }: FindingRowProps) {
  const Icon = ICONS[finding.severity];
  const { fix: name, dataset_image_ids: ids } = finding;
  const mayChange = useMayChange();
  const lead = mayChange && leadOf(finding);
  return (
    <li data-severity={finding.severity}>
      <Icon size={16} aria-label={finding.severity} />
      <div>
        <p className={classes.sentence}>{finding.sentence}</p>
        <p className={classes.what}>{finding.action}</p>
        <div className={classes.buttons}>
          {name && mayChange && (
            <Button
              size="compact-sm"
              variant="default"
              loading={fix.isPending && fix.variables === name}
              disabled={fix.isPending}
              onClick={() => fix.mutate(name)}
            >
              {FIX_WORDS[name]}
            </Button>
          )}
          {lead && (
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => {
                if (ids.length > 0) onShow(ids);
                follow(lead);
              }}
            >
              {lead.words}
            </Button>
          )}
          {ids.length > 0 && (
            <Button size="compact-sm" variant="quiet" onClick={() => onShow(ids)}>
              Show {ids.length === 1 ? "it" : "them"}
            </Button>
          )}
        </div>
      </div>
    </li>
  );
}

interface FindingRowProps {
  finding: Finding;
  fix: ReturnType<typeof useFix>;
  onShow: (ids: string[]) => void;
}

/** What would spoil the training, each with a button that mends it; checked anew as images land. */
export function CheckPanel({ dataset, onShow, onUpdate }: CheckPanelProps) {
  const [base, setBase] = useState<string | null>(null);
  const check = useQuery(datasetCheckQuery(dataset.id, base));
  const bases = useQuery(basesQuery);
  const fix = useFix(dataset.id, base);

  return (
    <section aria-label="Dataset check" className={classes.panel}>
      <div className={classes.head}>
        <h2 className={classes.title}>Check</h2>
        <Select
          size="xs"
          aria-label="Check for a base"
          placeholder="For any base"
          clearable
          value={base}
          onChange={setBase}
          data={(bases.data ?? []).map(({ name, title }) => ({ value: name, label: title }))}
        />
      </div>
      <Loaded query={check} skeleton={<p className="dim small">Checking…</p>}>
        {({ findings, image_count, captioned_count, is_trainable }) => (
          <>
            <p className={classes.counts}>
              {countOf(image_count, "image")}, {captioned_count.toLocaleString("en")} with a caption
            </p>
            {findings.length === 0 && (
              <p className={classes.fine}>
                <CircleCheck size={16} aria-hidden /> Nothing to mend. Ready to train.
              </p>
            )}
            <ul className={classes.list}>
              {findings.map((finding) => (
                <FindingRow
                  key={`${finding.kind}-${finding.sentence}`}
                  finding={finding}
                  fix={fix}
                  onShow={onShow}
                />
              ))}
            </ul>
            {is_trainable && findings.length > 0 && (
              <p className={classes.ok}>You can train now; these would make it better.</p>
            )}
          </>
        )}
      </Loaded>
      <Fields>
        <CheckLimits
          key={dataset.id}
          limits={dataset.check_limits}
          onChange={(check_limits) => onUpdate({ check_limits })}
        />
      </Fields>
    </section>
  );
}
