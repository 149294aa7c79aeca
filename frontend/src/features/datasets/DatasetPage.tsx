import { Button, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { TrendingDown } from "lucide-react";
import { useState } from "react";

import { datasetCheckQuery, datasetQuery } from "@/api/queries";
import { countOf } from "@/components/format";
import { InlineName } from "@/components/InlineName";
import { Loaded } from "@/components/Loaded";
import { Changing, Fields, May, useStanding, WhyNot } from "@/components/may/May";
import { Page } from "@/components/Page";
import { ShareButton } from "@/components/sharing/ShareButton";
import { toastProblem } from "@/components/undo";

import { useDatasetActions } from "./actions";
import { AddImages } from "./AddImages";
import { CheckPanel } from "./CheckPanel";
import classes from "./DatasetPage.module.css";
import { DatasetSettings } from "./DatasetSettings";
import { Fold } from "./Fold";
import { ImagesSection } from "./grid/ImagesSection";
import { DatasetMenu } from "./keeping/DatasetMenu";
import { PendingCard } from "./PendingCard";
import { MODES, weightsOf } from "./problems";
import { RefusedFiles } from "./RefusedFiles";
import { UploadPanel } from "./UploadPanel";
import { useUpload } from "./useUpload";

export function DatasetPage() {
  const { datasetId } = useParams({ from: "/datasets/$datasetId" });
  const navigate = useNavigate();
  const dataset = useQuery(datasetQuery(datasetId));
  const check = useQuery(datasetCheckQuery(datasetId));
  const upload = useUpload(datasetId);
  const actions = useDatasetActions(datasetId);
  const standing = useStanding("dataset", datasetId);
  const [only, setOnly] = useState<ReadonlySet<string> | null>(null);
  const [isCheckOpen, setCheckOpen] = useState(false);
  const [isAboutOpen, setAboutOpen] = useState<boolean | null>(null);

  const remove = async () => {
    try {
      await actions.remove(dataset.data?.name ?? "");
      await navigate({ to: "/datasets" });
    } catch (error) {
      toastProblem(error);
    }
  };

  if (!dataset.data) {
    return (
      <Page title="Dataset">
        <Loaded query={dataset}>{() => null}</Loaded>
      </Page>
    );
  }
  const { name, mode, trigger_word, image_count, captioned_count } = dataset.data;
  const isTrainable = check.data?.is_trainable ?? false;
  const count = image_count + upload.pending.length;

  return (
    <Changing by={standing}>
      <Page
        title={name}
        width="full"
        above={<Link to="/datasets">Datasets</Link>}
        heading={
          <InlineName
            value={name}
            label="Name of the dataset"
            onSave={(next) => void actions.update({ name: next }).catch(() => undefined)}
          />
        }
        sub={`${countOf(image_count, "image")} · ${captioned_count.toLocaleString("en")} captioned`}
        actions={
          <>
            <ShareButton kind="dataset" id={datasetId} name={name} />
            <DatasetMenu dataset={dataset.data} onRemove={() => void remove()} />
            <May rule="train">
              <Tooltip label="Add images first" disabled={isTrainable}>
                <Button
                  variant="primary"
                  size="md"
                  leftSection={<TrendingDown size={17} />}
                  data-disabled={!isTrainable || undefined}
                  disabled={!isTrainable}
                  onClick={() => void navigate({ to: "/finetunes/new", search: { dataset: datasetId } })}
                >
                  Train on this
                </Button>
              </Tooltip>
            </May>
          </>
        }
      >
        <WhyNot />
        <div className={classes.layout} data-empty={count === 0 || undefined}>
          <aside className={classes.side}>
            <Fold
              title="Check"
              said={check.data ? weightsOf(check.data.findings) : "Checking…"}
              isOpen={isCheckOpen}
              onOpen={setCheckOpen}
            >
              <CheckPanel
                dataset={dataset.data}
                onShow={(ids) => {
                  setOnly(new Set(ids));
                  setCheckOpen(false);
                }}
                onUpdate={actions.update}
              />
            </Fold>
            <Fold
              title="About"
              said={[MODES[mode].title, trigger_word || "no trigger word"].join(" · ")}
              isOpen={isAboutOpen ?? count === 0}
              onOpen={setAboutOpen}
            >
              <Fields>
                <DatasetSettings dataset={dataset.data} onUpdate={actions.update} />
              </Fields>
            </Fold>
          </aside>
          <section aria-label="Images" className={classes.images}>
            <May>
              <AddImages onFiles={upload.add} isEmpty={count === 0} />
              <RefusedFiles files={upload.refused} onDismiss={upload.dismiss} />
              <UploadPanel upload={upload} />
            </May>
            <ImagesSection
              dataset={dataset.data}
              check={check.data}
              actions={actions}
              only={only}
              onShowAll={() => setOnly(null)}
              after={
                upload.pending.length > 0 && (
                  <ul className={classes.grid}>
                    {upload.pending.map((item) => (
                      <PendingCard key={item.key} item={item} />
                    ))}
                  </ul>
                )
              }
            />
          </section>
        </div>
      </Page>
    </Changing>
  );
}
