import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Images, Plus } from "lucide-react";

import { call } from "@/api/call";
import { createDataset, restoreDataset, type Dataset, type DatasetCreate } from "@/api/generated";
import { datasetsQuery, samplesQuery } from "@/api/queries";
import { useMay } from "@/api/session";
import { Empty } from "@/components/Empty";
import { ago, countOf } from "@/components/format";
import { Loaded } from "@/components/Loaded";
import { Mosaic } from "@/components/Mosaic";
import { Page, Section } from "@/components/Page";
import { Trash } from "@/components/Trash";
import { toastProblem } from "@/components/undo";

function DatasetCard({ dataset }: { dataset: Dataset }) {
  return (
    <li>
      <Link to="/datasets/$datasetId" params={{ datasetId: dataset.id }} className="card">
        <Mosaic images={dataset.covers} />
        <div className="card-body">
          <span className="card-title clip">{dataset.name}</span>
          <span className="dim small num">
            {countOf(dataset.image_count, "image")} · {ago(dataset.updated_at)}
          </span>
        </div>
      </Link>
    </li>
  );
}

export function DatasetsPage() {
  const client = useQueryClient();
  const navigate = useNavigate();
  const datasets = useQuery(datasetsQuery());
  const trash = useQuery(datasetsQuery(true));
  const samples = useQuery(samplesQuery).data ?? [];
  const create = useMutation({
    mutationFn: (body: DatasetCreate) => call(createDataset({ body })),
    onSuccess: (dataset) => {
      void client.invalidateQueries({ queryKey: ["datasets"] });
      return navigate({ to: "/datasets/$datasetId", params: { datasetId: dataset.id } });
    },
    onError: toastProblem,
  });
  const mayCreate = useMay("create");
  const isEmpty = datasets.data?.length === 0;
  const add = mayCreate && (
    <Button
      variant="primary"
      leftSection={<Plus size={16} />}
      loading={create.isPending}
      onClick={() => create.mutate({})}
    >
      New dataset
    </Button>
  );

  return (
    <Page title="Datasets" sub="Images with captions: what a model learns from." actions={!isEmpty && add}>
      <Loaded query={datasets}>
        {(list) =>
          list.length === 0 ? (
            <Empty
              title={mayCreate ? "Show it what to learn" : "Nothing was shared with you yet"}
              art={<Images size={36} strokeWidth={1.3} />}
              action={add}
            >
              A dataset holds ten or twenty images of one character, product or style, each with a line that
              says what is seen.
              {!mayCreate && " Those of others appear here as soon as they are shared with you."}
            </Empty>
          ) : (
            <ul className="cards">
              {list.map((dataset) => (
                <DatasetCard key={dataset.id} dataset={dataset} />
              ))}
            </ul>
          )
        }
      </Loaded>
      {mayCreate && samples.length > 0 && (
        <Section title="Samples to try">
          <ul className="cards">
            {samples.map((sample) => (
              <li key={sample.name}>
                <div className="card">
                  <img
                    src={sample.cover_url}
                    alt=""
                    width={220}
                    height={140}
                    style={{ width: "100%", height: 140, objectFit: "cover" }}
                  />
                  <div className="card-body">
                    <span className="card-title">{sample.title}</span>
                    <span className="dim small">{sample.description}</span>
                    <Button
                      mt="auto"
                      size="xs"
                      variant="default"
                      style={{ alignSelf: "flex-start", marginTop: 8 }}
                      disabled={create.isPending}
                      onClick={() => create.mutate({ sample: sample.name })}
                      aria-label={`Make a dataset of ${sample.title}`}
                    >
                      Make a dataset of it
                    </Button>
                  </div>
                </div>
              </li>
            ))}
          </ul>
        </Section>
      )}
      <Trash
        kind="dataset"
        items={trash.data ?? []}
        restore={async (id) => {
          await call(restoreDataset({ path: { dataset_id: id } }));
          await client.invalidateQueries({ queryKey: ["datasets"] });
        }}
      />
    </Page>
  );
}
