import { memo, useCallback, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { VirtuosoGrid, type GridComponents, type VirtuosoGridHandle } from "react-virtuoso";

import type { DatasetImage, GridImage } from "@/api/generated";

import { ImageCard, type CardActions } from "@/features/datasets/ImageCard";
import cardClasses from "@/features/datasets/ImageCard.module.css";
import type { SeenAs } from "@/features/datasets/shape/TrainedPicture";
import classes from "./ImageGrid.module.css";
import { useRecord, useWindow } from "./records";
import type { Selection } from "./selection";
import { Turns, useTurn } from "./turns";

export type Problems = ReadonlyMap<string, DatasetImage["problems"]>;

interface ImageGridProps extends Omit<CardActions, "onCaptionMove"> {
  datasetId: string;
  ids: string[];
  trigger: string;
  problems: Problems;
  selection: Selection;
  seenAs: ((item: GridImage) => SeenAs | null) | null;
  onExtend: (id: string) => void;
  onSelectAll: () => void;
  onSelectNone: () => void;
  onRemoveChosen: (fallback: string) => void;
}

// Frames until a cell that was scrolled to is there, and drawn.
const TRIES = 60;
const NO_PROBLEMS: DatasetImage["problems"] = [];

interface CellProps extends CardActions {
  datasetId: string;
  id: string;
  index: number;
  trigger: string;
  problems: DatasetImage["problems"];
  isSelected: boolean;
  isSelecting: boolean;
  seenAs: ImageGridProps["seenAs"];
  turns: Turns;
}

// The grid is drawn anew at every step of a scroll: cells that stay are not.
const Cell = memo(function Cell({ datasetId, id, seenAs, turns, ...rest }: CellProps) {
  const item = useRecord(datasetId, id);
  const isDrawn = useTurn(turns);
  if (!item || !isDrawn) return <div className={cardClasses.waiting} aria-hidden />;
  return <ImageCard key={id} datasetId={datasetId} item={item} seenAs={seenAs?.(item) ?? null} {...rest} />;
});

const Placeholder: GridComponents["ScrollSeekPlaceholder"] = ({ height, width }) => (
  <div style={{ height, width }}>
    <div className={cardClasses.waiting} />
  </div>
);
const COMPONENTS: GridComponents = { ScrollSeekPlaceholder: Placeholder };
// Faster than anybody can look, only the boxes are drawn.
const SEEK = {
  enter: (velocity: number) => Math.abs(velocity) > 4_000,
  exit: (velocity: number) => Math.abs(velocity) < 600,
};

const STEPS: Record<string, (columns: number, count: number) => number> = {
  ArrowRight: () => 1,
  ArrowLeft: () => -1,
  ArrowDown: (columns) => columns,
  ArrowUp: (columns) => -columns,
  Home: (_, count) => -count,
  End: (_, count) => count,
  PageDown: (columns) => 3 * columns,
  PageUp: (columns) => -3 * columns,
};

/** Only what is on screen exists; arrows, Home, End and Page keys walk over all of it. */
export function ImageGrid(props: ImageGridProps) {
  const { datasetId, ids, trigger, problems, selection, seenAs } = props;
  const { onCaption, onRemove, onPick, onToggle, onOpen } = props;
  const grid = useRef<VirtuosoGridHandle>(null);
  const frame = useRef<HTMLDivElement>(null);
  const [turns] = useState(() => new Turns());
  const load = useWindow(datasetId, ids);
  const count = ids.length;

  const focus = useCallback(
    (index: number, what: "button[data-index" | "textarea[data-caption", tries = TRIES) => {
      const cell = frame.current?.querySelector<HTMLElement>(`${what}="${index}"]`);
      if (cell) {
        cell.focus({ preventScroll: true });
        cell.scrollIntoView({ block: "nearest" });
      } else if (tries > 0) {
        if (tries === TRIES) grid.current?.scrollToIndex({ index, align: "center" });
        requestAnimationFrame(() => focusAgain.current(index, what, tries - 1));
      }
    },
    [],
  );
  const focusAgain = useRef(focus);
  const onCaptionMove = useCallback(
    (index: number, by: -1 | 0 | 1) => {
      if (by === 0) focus(index, "button[data-index");
      else if (index + by >= 0 && index + by < count) focus(index + by, "textarea[data-caption");
    },
    [focus, count],
  );
  const actions = useMemo(
    () => ({ onCaption, onCaptionMove, onRemove, onPick, onToggle, onOpen }),
    [onCaption, onCaptionMove, onRemove, onPick, onToggle, onOpen],
  );

  const press = (event: KeyboardEvent<HTMLDivElement>) => {
    const cell = event.target as HTMLElement;
    const here = cell.tagName === "BUTTON" ? Number(cell.dataset.index ?? NaN) : NaN;
    const id = ids[here];
    if (id === undefined) return;
    const { key } = event;
    if (STEPS[key]) {
      const list = frame.current?.querySelector(`.${classes.list}`);
      const columns = list ? getComputedStyle(list).gridTemplateColumns.split(" ").length : 1;
      const next = Math.max(0, Math.min(ids.length - 1, here + STEPS[key](columns, ids.length)));
      if (event.shiftKey) {
        if (selection.anchor === null) props.onExtend(id);
        props.onExtend(ids[next]);
      }
      focus(next, "button[data-index");
    } else if (key === " ") onToggle(id, event);
    else if (key === "Enter") onOpen(id);
    else if (key === "e") focus(here, "textarea[data-caption");
    else if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "a") props.onSelectAll();
    else if (key === "Escape" && selection.ids.size > 0) props.onSelectNone();
    else if (key === "Delete" || key === "Backspace") props.onRemoveChosen(id);
    else return;
    event.preventDefault();
  };

  return (
    // Keys are an addition: every image is a button of its own.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div ref={frame} onKeyDown={press}>
      <VirtuosoGrid
        ref={grid}
        useWindowScroll
        totalCount={ids.length}
        initialItemCount={Math.min(ids.length, 8)}
        increaseViewportBy={500}
        listClassName={classes.list}
        components={COMPONENTS}
        scrollSeekConfiguration={SEEK}
        isScrolling={(isScrolling) => turns.scroll(isScrolling)}
        rangeChanged={({ startIndex, endIndex }) => load(startIndex, endIndex)}
        computeItemKey={(index) => ids[index] ?? index}
        itemContent={(index) => {
          const id = ids[index];
          if (id === undefined) return null;
          return (
            <Cell
              datasetId={datasetId}
              id={id}
              index={index}
              trigger={trigger}
              problems={problems.get(id) ?? NO_PROBLEMS}
              isSelected={selection.ids.has(id)}
              isSelecting={selection.ids.size > 0}
              seenAs={seenAs}
              turns={turns}
              {...actions}
            />
          );
        }}
      />
    </div>
  );
}
