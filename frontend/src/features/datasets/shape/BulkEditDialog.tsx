import { Button, Checkbox, Modal, Progress, Radio, SegmentedControl } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import type { GridImage, ImageEdits } from "@/api/generated";
import { countOf } from "@/components/format";
import { toastProblem } from "@/components/undo";
import { fetchRecords } from "@/features/datasets/grid/records";

import classes from "./BulkEditDialog.module.css";
import { mirror, NO_EDITS, PRESETS, recipeOf, tidy, turn, type Recipe } from "./edits";
import { useEdits } from "./useEdits";

type Cut = "keep" | "shape" | "borders" | "whole";

const CUTS: Record<Cut, string> = {
  keep: "Leave as it is",
  shape: "Cut to a shape, around what there is to see",
  borders: "Leave plain borders out",
  whole: "Show the whole picture again",
};
const TURNS = [
  { value: "0", label: "Not turned" },
  { value: "left", label: "Left" },
  { value: "right", label: "Right" },
  { value: "180", label: "Upside down" },
];
const PART = 50;

interface BulkEditDialogProps {
  datasetId: string;
  ids: string[];
  onClose: () => void;
}

function turnedBy(recipe: Recipe, item: GridImage, way: string): Recipe {
  const original = item.original ?? item.image;
  if (way === "0") return recipe;
  const once = turn(recipe, original, way !== "left");
  return way === "180" ? turn(once, original, true) : once;
}

/** The same edits for many images, each cut where it suits it best. The originals are kept. */
export function BulkEditDialog({ datasetId, ids, onClose }: BulkEditDialogProps) {
  const client = useQueryClient();
  const edits = useEdits(datasetId);
  const [cut, setCut] = useState<Cut>("keep");
  const [shape, setShape] = useState("1:1");
  const [way, setWay] = useState<string>("0");
  const [isMirrored, setMirrored] = useState(false);
  const [isReset, setReset] = useState(false);
  const [done, setDone] = useState<number | null>(null);
  const isNothing = cut === "keep" && way === "0" && !isMirrored && !isReset;

  const plan = async (part: GridImage[]): Promise<ImageEdits[]> => {
    const recipes = part.map((item) => {
      const original = item.original ?? item.image;
      let recipe = turnedBy(isReset ? NO_EDITS : recipeOf(item.edits), item, way);
      if (isMirrored) recipe = mirror(recipe, original);
      return { id: item.id, original, recipe: cut === "whole" ? { ...recipe, crop: null } : recipe };
    });
    const changes = new Map(recipes.map(({ id, original, recipe }) => [id, tidy(recipe, original)]));
    if (cut === "keep" || cut === "whole") return [...changes].map(([id, by]) => ({ id, edits: by }));
    const aspect = cut === "shape" ? (PRESETS.find(({ label }) => label === shape)?.aspect ?? 1) : null;
    // Cuts are suggested for pictures as turned; images that are turned alike are asked for together.
    const groups = new Map<string, typeof recipes>();
    for (const one of recipes) {
      const key = `${one.recipe.turn} ${one.recipe.mirror}`;
      groups.set(key, [...(groups.get(key) ?? []), one]);
    }
    for (const group of groups.values()) {
      const { turn: by, mirror: is } = group[0].recipe;
      const found = await edits.suggest(
        group.map(({ id }) => id),
        aspect,
        { turn: by, mirror: is },
      );
      for (const one of found) changes.set(one.id, one.edits);
    }
    return [...changes].map(([id, by]) => ({ id, edits: by }));
  };

  const run = async () => {
    setDone(0);
    try {
      const changes: ImageEdits[] = [];
      for (let start = 0; start < ids.length; start += PART) {
        changes.push(...(await plan(await fetchRecords(client, datasetId, ids.slice(start, start + PART)))));
      }
      if (await edits.apply(changes, setDone)) onClose();
    } catch (error) {
      toastProblem(error);
    } finally {
      setDone(null);
    }
  };

  return (
    <Modal
      opened
      onClose={() => done === null && onClose()}
      title={`Crop and turn ${countOf(ids.length, "image")}`}
    >
      <div className={classes.form}>
        <Radio.Group label="Cut" value={cut} onChange={(value) => setCut(value as Cut)}>
          <div className={classes.choices}>
            {Object.entries(CUTS).map(([value, label]) => (
              <Radio key={value} value={value} label={label} size="sm" />
            ))}
          </div>
        </Radio.Group>
        {cut === "shape" && (
          <SegmentedControl
            size="xs"
            aria-label="Shape"
            value={shape}
            onChange={setShape}
            data={PRESETS.filter(({ aspect }) => aspect !== null).map(({ label }) => label)}
          />
        )}
        <SegmentedControl size="xs" aria-label="Turn" value={way} onChange={setWay} data={TURNS} />
        <Checkbox
          label="Mirror left to right"
          checked={isMirrored}
          onChange={(event) => setMirrored(event.currentTarget.checked)}
        />
        <Checkbox
          label="Begin with the originals"
          description="Undoes earlier edits of these images first."
          checked={isReset}
          onChange={(event) => setReset(event.currentTarget.checked)}
        />
        {done !== null && (
          <div role="status">
            <p className="dim small num">
              {done.toLocaleString("en")} of {ids.length.toLocaleString("en")} made
            </p>
            <Progress value={(100 * done) / ids.length} aria-label="Pictures made" />
          </div>
        )}
        <div className={classes.foot}>
          <Button variant="default" onClick={onClose} disabled={done !== null}>
            Cancel
          </Button>
          <Button variant="primary" onClick={() => void run()} loading={done !== null} disabled={isNothing}>
            Edit {countOf(ids.length, "image")}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
