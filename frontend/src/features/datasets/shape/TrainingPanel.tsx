import { NumberInput, Select } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useCallback, useState } from "react";

import { call } from "@/api/call";
import { getTrainingView, type GridImage, type TrainingView } from "@/api/generated";
import type { GetTrainingViewData } from "@/api/generated";
import { basesQuery, planQuery } from "@/api/queries";
import { countOf } from "@/components/format";

import type { SeenAs } from "./TrainedPicture";
import classes from "./TrainingPanel.module.css";

export type TrainingSettings = NonNullable<GetTrainingViewData["query"]>;

const RESOLUTIONS = [128, 256, 512, 768, 1024, 1280, 1536];

/** What the trainer makes of a dataset at some settings, and a function from an image to how it is seen. */
export function useTrainingView(datasetId: string, isOn: boolean) {
  const [base, setBase] = useState<string | null>(null);
  const [own, setOwn] = useState<TrainingSettings>({});
  // What a finetune of this dataset on this base would use; what is set here goes before it.
  const plan = useQuery({
    ...planQuery({ dataset_id: datasetId, ...(base ? { base } : {}) }),
    enabled: isOn,
  });
  const usual = plan.data?.recipe;
  const settings: TrainingSettings = {
    resolution: usual?.resolution ?? 512,
    more_resolutions: usual?.more_resolutions ?? [],
    batch_size: usual?.batch_size ?? 1,
    gradient_accumulation: usual?.gradient_accumulation ?? 1,
    validation_images: usual?.validation_images ?? 0,
    steps: usual?.steps ?? 300,
    ...own,
  };
  const view = useQuery({
    queryKey: ["dataset", datasetId, "training-view", settings],
    queryFn: () => call(getTrainingView({ path: { dataset_id: datasetId }, query: settings })),
    placeholderData: keepPreviousData,
    enabled: isOn && !plan.isPending,
  });
  const sizes = view.data?.sizes;
  const seenAs = useCallback(
    (item: GridImage): SeenAs | null => {
      const { width, height } = item.image;
      const size = sizes?.find((one) => one.width === width && one.height === height);
      const found = size?.seen.find(({ resolution }) => resolution === settings.resolution) ?? size?.seen[0];
      return found ?? null;
    },
    [sizes, settings.resolution],
  );
  return {
    seenAs: isOn && sizes ? seenAs : null,
    panel: {
      base,
      onBase: (name: string | null) => {
        setBase(name);
        setOwn({});
      },
      settings,
      onSettings: setOwn,
      view: view.data,
    },
  };
}

interface TrainingPanelProps {
  base: string | null;
  onBase: (name: string | null) => void;
  settings: TrainingSettings;
  onSettings: (change: (own: TrainingSettings) => TrainingSettings) => void;
  view: TrainingView | undefined;
}

/** Buckets, cuts and steps at these settings, by the trainer's own arithmetic. */
export function TrainingPanel({ base, onBase, settings, onSettings, view }: TrainingPanelProps) {
  const bases = (useQuery(basesQuery).data ?? []).filter(({ training }) => training !== "no");
  const set = (by: TrainingSettings) => onSettings((own) => ({ ...own, ...by }));
  const resolutions = [...new Set([...RESOLUTIONS, settings.resolution ?? 512])].sort((a, b) => a - b);
  const largest = Math.max(1, ...(view?.buckets.map(({ seen_count }) => seen_count) ?? []));
  return (
    <section className={classes.panel} aria-label="What the trainer will see">
      <div className={classes.settings}>
        <Select
          size="xs"
          label="Base"
          value={base ?? bases.find(({ is_default }) => is_default)?.name ?? null}
          allowDeselect={false}
          data={bases.map(({ name, title }) => ({ value: name, label: title }))}
          onChange={onBase}
        />
        <Select
          size="xs"
          label="Resolution"
          data={resolutions.map((one) => ({ value: String(one), label: `${one} px` }))}
          value={String(settings.resolution)}
          allowDeselect={false}
          onChange={(value) => set({ resolution: Number(value) })}
        />
        <NumberInput
          size="xs"
          label="Batch size"
          min={1}
          max={64}
          value={settings.batch_size}
          onChange={(value) => Number(value) >= 1 && set({ batch_size: Number(value) })}
        />
        <NumberInput
          size="xs"
          label="Accumulation"
          min={1}
          max={64}
          value={settings.gradient_accumulation ?? 1}
          onChange={(value) => Number(value) >= 1 && set({ gradient_accumulation: Number(value) })}
        />
        <NumberInput
          size="xs"
          label="Held out"
          min={0}
          max={1000}
          value={settings.validation_images ?? 0}
          onChange={(value) => set({ validation_images: Number(value) })}
        />
        <NumberInput
          size="xs"
          label="Steps"
          min={1}
          max={20000}
          step={50}
          value={settings.steps}
          onChange={(value) => Number(value) >= 1 && set({ steps: Number(value) })}
        />
      </div>
      {view && (
        <>
          <p className={classes.sum} role="status">
            <b>{countOf(view.seen_per_epoch, "image")}</b> seen in each pass, <b>{view.images_per_step}</b> a
            step: <b>{view.steps_per_epoch.toLocaleString("en")}</b> steps a pass,{" "}
            <b>{view.epochs.toLocaleString("en")}</b> passes in {countOf(settings.steps ?? 300, "step")}.
          </p>
          <ul className={classes.buckets} aria-label="Buckets">
            {view.buckets.map(({ width, height, resolution, image_count, seen_count }) => (
              <li key={`${width} ${height} ${resolution}`}>
                <span className={classes.shape}>
                  <span
                    style={{
                      aspectRatio: `${width} / ${height}`,
                      [width >= height ? "width" : "height"]: 26,
                    }}
                  />
                </span>
                <span className="num">
                  {width} × {height}
                </span>
                <span className={classes.bar}>
                  <span style={{ width: `${(100 * seen_count) / largest}%` }} />
                </span>
                <span className="dim small num">
                  {image_count.toLocaleString("en")}
                  {seen_count !== image_count && `, seen ${seen_count.toLocaleString("en")}×`}
                </span>
              </li>
            ))}
          </ul>
          {view.left_out.length > 0 ? (
            <ul className={classes.out}>
              {view.left_out.map(({ count, reason }) => (
                <li key={reason}>
                  <b className="num">{count.toLocaleString("en")}</b> {reason}
                </li>
              ))}
            </ul>
          ) : (
            <p className="dim small">No image is dropped. What is dimmed on a picture is cut off.</p>
          )}
        </>
      )}
    </section>
  );
}
