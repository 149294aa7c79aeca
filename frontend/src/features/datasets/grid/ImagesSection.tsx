import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { ImageOff } from "lucide-react";
import { useCallback, useMemo, useState, type ReactNode } from "react";

import type { Dataset, DatasetCheck } from "@/api/generated";
import { Empty } from "@/components/Empty";
import { GridSkeleton } from "@/components/Loaded";
import { May } from "@/components/may/May";
import { ErrorState } from "@/components/ProblemCard";

import type { DatasetActions } from "@/features/datasets/actions";
import { CaptionBar } from "@/features/datasets/captions/CaptionBar";
import { BulkEditDialog } from "@/features/datasets/shape/BulkEditDialog";
import { TrainingPanel, useTrainingView } from "@/features/datasets/shape/TrainingPanel";

import { ImageGrid, type Problems } from "./ImageGrid";
import { OpenedImage } from "./OpenedImage";
import { gridQuery, useSync, type GridFilter } from "./records";
import {
  choose,
  chooseAll,
  extend,
  inOrder,
  NOTHING,
  toggle,
  without,
  type Keys,
  type Selection,
} from "./selection";
import { SelectionBar } from "./SelectionBar";
import { Toolbar } from "./Toolbar";

interface ImagesSectionProps {
  dataset: Dataset;
  check: DatasetCheck | undefined;
  actions: DatasetActions;
  /** Only these are shown, in the order of the dataset: what a finding of the check names. */
  only: ReadonlySet<string> | null;
  onShowAll: () => void;
  /** What stands behind the last image: files on their way. */
  after: ReactNode;
}

function useProblems(check: DatasetCheck | undefined) {
  return useMemo(() => {
    const byImage = new Map<string, DatasetCheck["findings"][number]["kind"][]>();
    const byKind = new Map<string, number>();
    for (const { kind, dataset_image_ids } of check?.findings ?? []) {
      byKind.set(kind, (byKind.get(kind) ?? 0) + dataset_image_ids.length);
      for (const id of dataset_image_ids) {
        const kinds = byImage.get(id) ?? [];
        if (!kinds.includes(kind)) byImage.set(id, [...kinds, kind]);
      }
    }
    return { byImage: byImage as Problems, byKind };
  }, [check]);
}

/** All images of a dataset: found, chosen, described, put into shape. */
export function ImagesSection({ dataset, check, actions, only, onShowAll, after }: ImagesSectionProps) {
  const [filter, setFilter] = useState<GridFilter>({});
  const [selection, setSelection] = useState<Selection>(NOTHING);
  const [isTrainingView, setTrainingView] = useState(false);
  const [opened, setOpened] = useState<string | null>(null);
  const [isCropping, setCropping] = useState(false);
  const training = useTrainingView(dataset.id, isTrainingView);
  // The search field starts anew with what was clicked among the words.
  const [found, setFound] = useState(0);
  const grid = useQuery(gridQuery(dataset.id, filter));
  const sync = useSync(dataset.id, grid.data);
  const problems = useProblems(check);
  const ids = useMemo(() => {
    const all = grid.data?.ids ?? [];
    return only ? all.filter((id) => only.has(id)) : all;
  }, [grid.data, only]);
  const chosen = useMemo(() => inOrder(selection, ids), [selection, ids]);

  const pick = useCallback(
    (id: string, keys: Keys) => setSelection((old) => choose(old, ids, id, keys)),
    [ids],
  );
  const toggleOne = useCallback(
    (id: string, keys: Keys) =>
      setSelection((old) => (keys.shiftKey && old.anchor ? extend(old, ids, id) : toggle(old, id))),
    [ids],
  );
  const remove = useCallback(
    async (image: Parameters<DatasetActions["removeImage"]>[0]) => {
      setSelection((old) => without(old, new Set([image.id])));
      await actions.removeImage(image);
    },
    [actions],
  );
  const change = async (by: Parameters<DatasetActions["change"]>[1], said: string) => {
    if (typeof by.removed === "boolean") setSelection(NOTHING);
    await actions.change(chosen, by, said);
  };
  const narrow = (next: GridFilter) => {
    setFilter(next);
    setSelection(NOTHING);
  };

  if (grid.isError) return <ErrorState error={grid.error} retry={() => void grid.refetch()} />;
  if (!grid.data) return <GridSkeleton count={8} height={300} />;
  const { counts } = grid.data;
  if (counts.total + counts.removed === 0) return <>{after}</>;
  return (
    <>
      <Toolbar
        key={found}
        filter={filter}
        onFilter={narrow}
        counts={counts}
        problemCounts={problems.byKind}
        matching={ids.length}
        only={only?.size ?? null}
        onShowAll={onShowAll}
        isTrainingView={isTrainingView}
        onTrainingView={setTrainingView}
      />
      {isTrainingView && <TrainingPanel {...training.panel} />}
      {counts.total > 0 && !filter.removed && (
        <CaptionBar
          dataset={dataset}
          ids={chosen.length > 0 ? chosen : ids.length < counts.total ? ids : null}
          isChosen={chosen.length > 0}
          refresh={actions.refresh}
          sync={sync}
          onFind={(query) => {
            narrow({ query });
            setFound((old) => old + 1);
          }}
        />
      )}
      {ids.length === 0 && counts.total > 0 && (
        <Empty
          title="No image is like that"
          art={<ImageOff size={28} strokeWidth={1.4} />}
          compact
          action={
            <Button
              variant="default"
              onClick={() => {
                narrow({});
                onShowAll();
              }}
            >
              Show all
            </Button>
          }
        >
          Nothing in this dataset has all of what the filter asks for.
        </Empty>
      )}
      {ids.length > 0 && (
        <ImageGrid
          datasetId={dataset.id}
          ids={ids}
          trigger={dataset.trigger_word}
          problems={problems.byImage}
          selection={selection}
          seenAs={training.seenAs}
          onCaption={actions.caption}
          onRemove={remove}
          onPick={pick}
          onToggle={toggleOne}
          onOpen={setOpened}
          onExtend={(id) => setSelection((old) => extend(old, ids, id))}
          onSelectAll={() => setSelection(chooseAll(ids))}
          onSelectNone={() => setSelection(NOTHING)}
          onRemoveChosen={(fallback) => {
            const gone = chosen.length > 0 ? chosen : [fallback];
            setSelection(NOTHING);
            void actions.change(gone, { removed: true }, "removed");
          }}
        />
      )}
      {after}
      <May>
        <SelectionBar
          ids={chosen}
          matching={ids.length}
          knownTags={Object.keys(counts.tags)}
          isTrash={filter.removed ?? false}
          onSelectAll={() => setSelection(chooseAll(ids))}
          onClear={() => setSelection(NOTHING)}
          onChange={change}
          onCrop={() => setCropping(true)}
        />
      </May>
      {isCropping && (
        <BulkEditDialog datasetId={dataset.id} ids={chosen} onClose={() => setCropping(false)} />
      )}
      {opened !== null && (
        <OpenedImage
          datasetId={dataset.id}
          ids={ids}
          id={opened}
          knownTags={Object.keys(counts.tags)}
          actions={actions}
          onOpen={setOpened}
        />
      )}
    </>
  );
}
