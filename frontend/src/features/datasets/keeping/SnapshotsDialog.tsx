import { Button, Modal, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { History } from "lucide-react";
import { useState } from "react";

import { call } from "@/api/call";
import { getSnapshot, listSnapshots, type SnapshotSummary } from "@/api/generated";
import { Empty } from "@/components/Empty";
import { ago, countOf } from "@/components/format";
import { Loaded } from "@/components/Loaded";

import { Difference } from "./Difference";
import { FrozenImages } from "./FrozenImages";
import classes from "./SnapshotsDialog.module.css";

const NOW = "now";

function Content({ datasetId, hash }: { datasetId: string; hash: string }) {
  const content = useQuery({
    queryKey: ["dataset", datasetId, "snapshot", hash],
    queryFn: () => call(getSnapshot({ path: { dataset_id: datasetId, snapshot: hash } })),
  });
  return <Loaded query={content}>{({ images }) => <FrozenImages images={images} />}</Loaded>;
}

function Summary({ snapshot }: { snapshot: SnapshotSummary }) {
  return (
    <>
      <span className={classes.hash}>
        <span className="mono">{snapshot.hash.slice(0, 10)}</span>
        {snapshot.is_current && <span className={classes.same}>as it is now</span>}
      </span>
      <span className="dim small">
        {countOf(snapshot.image_count, "image")}, {snapshot.captioned_count} captioned ·{" "}
        {ago(snapshot.taken_at)}
      </span>
    </>
  );
}

/** What finetunes have seen of a dataset: each content once, shown as it was, compared with any other. */
export function SnapshotsDialog({ datasetId, onClose }: { datasetId: string; onClose: () => void }) {
  const list = useQuery({
    queryKey: ["dataset", datasetId, "snapshots"],
    queryFn: () => call(listSnapshots({ path: { dataset_id: datasetId } })),
  });
  const [chosen, setChosen] = useState<string | null>(null);
  const [other, setOther] = useState<string>(NOW);
  const [isComparing, setComparing] = useState(true);
  return (
    <Modal opened onClose={onClose} size="min(1080px, 100%)" title="What runs have seen">
      <Loaded query={list}>
        {({ snapshots }) => {
          const shown = snapshots.find(({ hash }) => hash === chosen) ?? snapshots[0];
          if (!shown) {
            return (
              <Empty
                title="No finetune has used this dataset yet"
                art={<History size={28} strokeWidth={1.4} />}
                compact
              >
                When one starts, the dataset is kept as it is at that moment, so that one can always look at
                what it learned from.
              </Empty>
            );
          }
          return (
            <div className={classes.layout}>
              <ul className={classes.list} aria-label="Snapshots">
                {snapshots.map((snapshot) => (
                  <li key={snapshot.hash} data-chosen={snapshot.hash === shown.hash || undefined}>
                    <button type="button" onClick={() => setChosen(snapshot.hash)}>
                      <Summary snapshot={snapshot} />
                    </button>
                    <span className={classes.uses}>
                      {snapshot.used_by.map(({ finetune_id, name }) => (
                        <Link
                          key={finetune_id}
                          to="/finetunes/$finetuneId"
                          params={{ finetuneId: finetune_id }}
                        >
                          {name}
                        </Link>
                      ))}
                    </span>
                  </li>
                ))}
              </ul>
              <div className={classes.content}>
                <div className={classes.bar}>
                  <Button
                    size="xs"
                    variant={isComparing ? "default" : "light"}
                    onClick={() => setComparing(false)}
                  >
                    As it was seen
                  </Button>
                  <Button
                    size="xs"
                    variant={isComparing ? "light" : "default"}
                    onClick={() => setComparing(true)}
                  >
                    What has changed since
                  </Button>
                  {isComparing && (
                    <Select
                      size="xs"
                      aria-label="Compared with"
                      value={other}
                      allowDeselect={false}
                      onChange={(value) => setOther(value ?? NOW)}
                      data={[
                        { value: NOW, label: "Compared with now" },
                        ...snapshots
                          .filter(({ hash }) => hash !== shown.hash)
                          .map(({ hash, used_by }) => ({
                            value: hash,
                            label: `With ${used_by[0]?.name ?? hash}`,
                          })),
                      ]}
                    />
                  )}
                </div>
                {isComparing ? (
                  <Difference
                    datasetId={datasetId}
                    before={shown.hash}
                    after={other === shown.hash ? NOW : other}
                  />
                ) : (
                  <Content datasetId={datasetId} hash={shown.hash} />
                )}
              </div>
            </div>
          );
        }}
      </Loaded>
    </Modal>
  );
}
