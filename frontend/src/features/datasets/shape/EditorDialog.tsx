import { ActionIcon, Button, Modal, SegmentedControl, Tooltip } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import {
  ChevronLeft,
  ChevronRight,
  FlipHorizontal2,
  RotateCcw,
  RotateCw,
  Sparkles,
  Undo2,
} from "lucide-react";
import { useState, type ReactNode } from "react";

import type { GridImage } from "@/api/generated";
import { toastProblem } from "@/components/undo";

import { CropFrame } from "./CropFrame";
import classes from "./EditorDialog.module.css";
import { centred, mirror, NO_EDITS, PRESETS, recipeOf, tidy, turn, turned, type Recipe } from "./edits";
import { useEdits } from "./useEdits";

interface EditorDialogProps {
  datasetId: string;
  item: GridImage;
  number: number;
  count: number;
  onGo: (by: number) => void;
  onClose: () => void;
  /** What else is known of the image, beside the picture. */
  children: ReactNode;
}

const labelOf = (label: string, key: string) => `${label} (${key})`;

/** One image large: cut, turned, mirrored by hand or by keys; nothing is lost, the original comes back any time. */
export function EditorDialog({ datasetId, item, number, count, onGo, onClose, children }: EditorDialogProps) {
  const original = item.original ?? item.image;
  const stored = recipeOf(item.edits);
  const [recipe, setRecipe] = useState<Recipe>(stored);
  const [preset, setPreset] = useState("Free");
  const [isSaving, setSaving] = useState(false);
  const edits = useEdits(datasetId);
  const aspect = PRESETS.find(({ label }) => label === preset)?.aspect ?? null;
  const isChanged = JSON.stringify(tidy(recipe, original)) !== JSON.stringify(tidy(stored, original));
  const size = recipe.crop ?? turned(original, recipe);

  const choose = (label: string) => {
    setPreset(label);
    const wanted = PRESETS.find((one) => one.label === label)?.aspect ?? null;
    if (wanted !== null) setRecipe({ ...recipe, crop: centred(wanted, turned(original, recipe)) });
  };
  const suggest = async () => {
    try {
      const own = { turn: recipe.turn, mirror: recipe.mirror };
      const [found] = await edits.suggest([item.id], aspect, own);
      setRecipe({ ...recipe, crop: found?.edits?.crop ?? null });
    } catch (error) {
      toastProblem(error);
    }
  };
  const save = async () => {
    if (!isChanged) return true;
    setSaving(true);
    const isDone = await edits.apply([{ id: item.id, edits: tidy(recipe, original) }]);
    setSaving(false);
    return isDone;
  };
  const go = async (by: number) => {
    if (number + by >= 1 && number + by <= count && (await save())) onGo(by);
  };
  const turnBy = (isClockwise: boolean) => {
    setRecipe(turn(recipe, original, isClockwise));
    setPreset("Free");
  };
  useHotkeys([
    ["r", () => turnBy(true)],
    ["shift+R", () => turnBy(false)],
    ["m", () => setRecipe(mirror(recipe, original))],
    ["s", () => void suggest()],
    ["o", () => setRecipe(NO_EDITS)],
    ["PageDown", () => void go(1)],
    ["PageUp", () => void go(-1)],
    ["mod+Enter", () => void save().then((isDone) => isDone && onClose())],
  ]);

  return (
    <Modal
      opened
      onClose={onClose}
      size="min(1180px, 100%)"
      title={
        <span className={classes.title}>
          <span className="clip">{item.name}</span>
          <span className="dim small num">
            {number.toLocaleString("en")} of {count.toLocaleString("en")}
          </span>
        </span>
      }
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <div className={classes.body}>
        <div className={classes.work}>
          <CropFrame
            url={original.url}
            alt={item.caption || item.name}
            original={original}
            recipe={recipe}
            aspect={aspect}
            onCrop={(crop) => setRecipe({ ...recipe, crop })}
          />
          <div className={classes.tools}>
            <Tooltip label={labelOf("Turn left", "Shift R")}>
              <ActionIcon size="lg" aria-label="Turn left" onClick={() => turnBy(false)}>
                <RotateCcw size={17} />
              </ActionIcon>
            </Tooltip>
            <Tooltip label={labelOf("Turn right", "R")}>
              <ActionIcon size="lg" aria-label="Turn right" onClick={() => turnBy(true)}>
                <RotateCw size={17} />
              </ActionIcon>
            </Tooltip>
            <Tooltip label={labelOf("Mirror", "M")}>
              <ActionIcon
                size="lg"
                aria-label="Mirror"
                aria-pressed={recipe.mirror}
                onClick={() => setRecipe(mirror(recipe, original))}
              >
                <FlipHorizontal2 size={17} />
              </ActionIcon>
            </Tooltip>
            <SegmentedControl
              size="xs"
              aria-label="Aspect"
              className={classes.presets}
              value={preset}
              onChange={choose}
              data={PRESETS.map(({ label }) => label)}
            />
            <Tooltip
              label={labelOf(
                aspect ? "Move the frame to where most is seen" : "Leave plain borders out",
                "S",
              )}
            >
              <Button
                size="xs"
                variant="default"
                leftSection={<Sparkles size={14} />}
                onClick={() => void suggest()}
              >
                Suggest
              </Button>
            </Tooltip>
            <span className="dim small num">
              {size.width} × {size.height}
            </span>
          </div>
        </div>
        <div className={classes.side}>
          {children}
          <div className={classes.foot}>
            <ActionIcon
              size="lg"
              aria-label="Previous image"
              disabled={number <= 1}
              onClick={() => void go(-1)}
            >
              <ChevronLeft size={18} />
            </ActionIcon>
            <ActionIcon
              size="lg"
              aria-label="Next image"
              disabled={number >= count}
              onClick={() => void go(1)}
            >
              <ChevronRight size={18} />
            </ActionIcon>
            <span className={classes.gap} />
            {(item.edits || isChanged) && (
              <Button
                size="sm"
                variant="default"
                leftSection={<Undo2 size={15} />}
                onClick={() => setRecipe(NO_EDITS)}
                disabled={tidy(recipe, original) === null}
              >
                Original
              </Button>
            )}
            <Button
              size="sm"
              variant="primary"
              loading={isSaving}
              onClick={() => void save().then((isDone) => isDone && onClose())}
            >
              {isChanged ? "Save" : "Done"}
            </Button>
          </div>
        </div>
      </div>
    </Modal>
  );
}
