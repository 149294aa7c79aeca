import { ActionIcon, Button, Modal, SegmentedControl, Slider, Tooltip } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { Contrast, Redo2, Trash2, Undo2, ZoomIn, ZoomOut } from "lucide-react";
import { useCallback, useState } from "react";

import { ErrorState } from "@/components/ProblemCard";

import classes from "./Mask.module.css";
import { MaskCanvas } from "./MaskCanvas";
import { add, brushOf, coverageText, redo, undo, type History, type Stroke } from "./strokes";
import { keepMask, useMask } from "./useMask";
import { useZoom } from "./useZoom";
import { MOST_ZOOM, stepZoom, zoomText } from "./zoom";

interface MaskDialogProps {
  imageId: string;
  maskId: string;
  /** What was drawn before the window was closed; it goes on from there. */
  history: History;
  onHistory: (change: (old: History) => History) => void;
  onClose: () => void;
  onKept: (maskId: string) => void;
}

/** A mask drawn over the image it is for. Closing loses nothing; only "Use mask" changes what is sent. */
export function MaskDialog({ imageId, maskId, history, onHistory, onClose, onKept }: MaskDialogProps) {
  const { image, before, error } = useMask(imageId, maskId);
  const [isEraser, setEraser] = useState(false);
  const [size, setSize] = useState<number | null>(null);
  const [part, setPart] = useState(0);
  const view = useZoom();
  const [isKeeping, setKeeping] = useState(false);
  const [refusal, setRefusal] = useState<unknown>(null);
  const brush = brushOf(image ?? { width: 1, height: 1 });
  const radius = size ?? brush.usual;
  const resize = (by: number) =>
    setSize(
      Math.round(Math.min(Math.max(radius * by, brush.least), brush.most) + (by > 1 ? 0.5 : -0.5)) || 1,
    );
  const addStroke = useCallback((stroke: Stroke) => onHistory((old) => add(old, stroke)), [onHistory]);
  const keep = async () => {
    if (!image || part === 0) return;
    setKeeping(true);
    setRefusal(null);
    try {
      onKept(await keepMask(image, history.done, before));
    } catch (reason) {
      setRefusal(reason);
      setKeeping(false);
    }
  };
  useHotkeys([
    ["mod+z", () => onHistory(undo)],
    ["mod+shift+z", () => onHistory(redo)],
    ["b", () => setEraser(false)],
    ["e", () => setEraser(true)],
    ["[", () => resize(1 / 1.2)],
    ["]", () => resize(1.2)],
    ["+", () => view.zoomTo((old) => stepZoom(old, 1))],
    ["=", () => view.zoomTo((old) => stepZoom(old, 1))],
    ["-", () => view.zoomTo((old) => stepZoom(old, -1))],
    ["0", () => view.zoomTo(() => 1)],
    ["mod+Enter", () => void keep()],
  ]);
  const deeds = [
    { name: "Undo", Icon: Undo2, isOff: !history.done.length, act: () => onHistory(undo) },
    { name: "Redo", Icon: Redo2, isOff: !history.undone.length, act: () => onHistory(redo) },
    { name: "Invert", Icon: Contrast, act: () => onHistory((old) => add(old, { kind: "invert" })) },
    {
      name: "Clear",
      Icon: Trash2,
      isOff: part === 0,
      act: () => onHistory((old) => add(old, { kind: "clear" })),
    },
  ];
  return (
    <Modal opened onClose={onClose} size="min(1080px, 100%)" title="Draw a mask">
      {error !== null && <ErrorState error={error} />}
      {image === null && error === null && <p className="dim">Opening the image…</p>}
      {image && (
        <div className={classes.body}>
          <div className={classes.tools}>
            <SegmentedControl
              size="xs"
              aria-label="Tool"
              data={["Brush", "Eraser"]}
              value={isEraser ? "Eraser" : "Brush"}
              onChange={(tool) => setEraser(tool === "Eraser")}
            />
            <div className={classes.size}>
              <span className="small">Size</span>
              <Slider
                thumbLabel="Brush size"
                label={null}
                min={brush.least}
                max={brush.most}
                value={radius}
                onChange={setSize}
                className={classes.slider}
              />
              <output className="dim small num">{2 * radius} px</output>
            </div>
            <div className={classes.zoom}>
              <Tooltip label="Zoom out">
                <ActionIcon
                  size="lg"
                  aria-label="Zoom out"
                  disabled={view.zoom <= 1}
                  onClick={() => view.zoomTo((old) => stepZoom(old, -1))}
                >
                  <ZoomOut size={17} />
                </ActionIcon>
              </Tooltip>
              <output className="dim small num" aria-label="Zoom">
                {zoomText(view.zoom)}
              </output>
              <Tooltip label="Zoom in">
                <ActionIcon
                  size="lg"
                  aria-label="Zoom in"
                  disabled={view.zoom >= MOST_ZOOM}
                  onClick={() => view.zoomTo((old) => stepZoom(old, 1))}
                >
                  <ZoomIn size={17} />
                </ActionIcon>
              </Tooltip>
            </div>
            <div className={classes.deeds}>
              {deeds.map(({ name, Icon, isOff = false, act }) => (
                <Tooltip key={name} label={name}>
                  <ActionIcon size="lg" aria-label={name} disabled={isOff} onClick={act}>
                    <Icon size={17} />
                  </ActionIcon>
                </Tooltip>
              ))}
            </div>
          </div>
          <MaskCanvas
            imageId={imageId}
            size={image}
            before={before}
            deeds={history.done}
            isEraser={isEraser}
            radius={radius}
            view={view}
            onStroke={addStroke}
            onCovered={setPart}
          />
          {refusal !== null && <ErrorState error={refusal} />}
          <div className={classes.foot}>
            <div>
              <p className="small">
                Paint over what is to change. <span role="status">{coverageText(part)}</span>
              </p>
              <p className="dim small" id="mask-keys">
                By keyboard: arrows move the brush, Space puts it down and lifts it, B and E change the tool,
                [ and ] its size; + and − zoom, 0 shows all. Ctrl and the wheel, or two fingers, zoom too.
              </p>
            </div>
            <Button variant="primary" loading={isKeeping} disabled={part === 0} onClick={() => void keep()}>
              Use mask
            </Button>
          </div>
        </div>
      )}
    </Modal>
  );
}
