import { ActionIcon, TextInput, Tooltip } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Heart, ImagePlus, Search } from "lucide-react";
import { useState, type ReactNode } from "react";
import { VirtuosoGrid } from "react-virtuoso";

import { galleryIdsQuery, type GalleryFilter } from "@/api/queries";
import { Empty } from "@/components/Empty";
import { GridSkeleton } from "@/components/Loaded";
import { ModelPicker } from "@/components/models/ModelPicker";
import { useNamed } from "@/components/models/useNamed";
import { Picture } from "@/components/Picture";
import { ErrorState } from "@/components/ProblemCard";
import type { Reuse } from "@/components/recipe";

import classes from "./Gallery.module.css";
import { useRecord, useRecords } from "./records";
import { Viewer } from "./Viewer";

interface GalleryProps {
  /** The image shown large; part of the address. */
  shown?: string;
  onShow: (id: string | undefined) => void;
  onReuse: (reuse: Reuse) => void;
  initialModel?: string;
  title: ReactNode;
  size?: "small" | "large";
  /** Where nothing was made yet, the way to the first image. */
  emptyAction?: ReactNode;
  /** Scrolls in its own frame instead of with the page. */
  isFramed?: boolean;
}

function Cell({ id, onOpen, large }: { id: string; onOpen: () => void; large: boolean }) {
  const record = useRecord(id);
  if (!record) return <span className={classes.waiting} />;
  return (
    <button
      type="button"
      className={classes.cell}
      onClick={onOpen}
      aria-label={record.facts.prompt}
      title={record.facts.prompt}
    >
      <Picture image={record.image} alt="" fit="square" show={large ? 240 : 140} />
      {record.is_favourite && (
        <Heart size={14} className={classes.heart} fill="currentColor" aria-label="Favourite" />
      )}
    </button>
  );
}

/** Arrow keys walk the grid; only what is on screen exists. */
function walk(event: React.KeyboardEvent<HTMLElement>) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const isDown = event.key === "ArrowDown" || event.key === "ArrowUp";
  if (step === undefined && !isDown) return;
  const cells = [...event.currentTarget.querySelectorAll<HTMLElement>("button[aria-label]")];
  const here = cells.indexOf(document.activeElement as HTMLElement);
  if (here < 0) return;
  const columns = cells.filter(
    (cell) => cell.getBoundingClientRect().top === cells[0].getBoundingClientRect().top,
  ).length;
  const by = step ?? (event.key === "ArrowDown" ? columns : -columns);
  const next = cells[here + by];
  if (next) {
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }
}

/** Everything made, newest first: all ids at once, records for what is on screen. */
export function Gallery({
  shown,
  onShow,
  onReuse,
  initialModel,
  title,
  size = "small",
  emptyAction,
  isFramed,
}: GalleryProps) {
  const [model, setModel] = useState<string | null>(initialModel ?? null);
  const [favourite, setFavourite] = useState(false);
  const [words, setWords] = useState("");
  const [query] = useDebouncedValue(words.trim(), 250);
  const filter: GalleryFilter = {
    ...(model ? { model_id: model } : {}),
    ...(favourite ? { favourite } : {}),
    ...(query ? { query } : {}),
  };
  const ids = useQuery(galleryIdsQuery(filter));
  const { choice } = useNamed(model ?? "");
  const list = ids.data ?? [];
  const load = useRecords(list);
  const isFiltered = Object.keys(filter).length > 0;
  // Where there is nothing, there is nothing to look for either; what is being typed stays.
  const isEmpty = ids.data?.length === 0 && !isFiltered && words === "";

  return (
    <section
      aria-label="Gallery"
      className={classes.gallery}
      data-size={size}
      data-framed={isFramed || undefined}
    >
      <div className={classes.head}>
        {title}
        <span className="dim small num">{list.length > 0 && list.length.toLocaleString("en")}</span>
      </div>
      <div className={classes.filters} hidden={isEmpty}>
        <TextInput
          size="xs"
          aria-label="Search in prompts"
          placeholder="Search in prompts"
          leftSection={<Search size={14} />}
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
          className={classes.search}
        />
        <div className={classes.model}>
          <ModelPicker
            label="Model"
            isLabelHidden
            isFilter
            size="xs"
            placeholder="All models"
            value={choice}
            onChange={(next) => setModel(next?.model.id ?? null)}
          />
        </div>
        <Tooltip label="Favourites only">
          <ActionIcon
            size={30}
            variant={favourite ? "light" : "subtle"}
            color={favourite ? "accent" : "gray"}
            aria-label="Favourites only"
            aria-pressed={favourite}
            onClick={() => setFavourite(!favourite)}
          >
            <Heart size={15} fill={favourite ? "currentColor" : "none"} />
          </ActionIcon>
        </Tooltip>
      </div>
      {ids.isError && <ErrorState error={ids.error} retry={() => void ids.refetch()} />}
      {ids.isPending && <GridSkeleton count={6} height={100} min={96} />}
      {ids.data && list.length === 0 && (
        <Empty
          title={isFiltered ? "Nothing matches" : "Everything you make is kept here"}
          art={<ImagePlus size={28} strokeWidth={1.4} />}
          action={!isFiltered && emptyAction}
          compact
        >
          {isFiltered
            ? "Try other words, or all models."
            : "With its recipe, so that any image can be made again."}
        </Empty>
      )}
      {list.length > 0 && (
        // Arrow keys are an addition: every image is a button of its own.
        // eslint-disable-next-line jsx-a11y/no-static-element-interactions
        <div onKeyDown={walk} className={classes.frame}>
          <VirtuosoGrid
            useWindowScroll={!isFramed}
            style={isFramed ? { height: "100%" } : undefined}
            totalCount={list.length}
            initialItemCount={Math.min(list.length, 12)}
            increaseViewportBy={400}
            listClassName={classes.grid}
            rangeChanged={({ startIndex, endIndex }) => load(startIndex, endIndex)}
            computeItemKey={(index) => list[index]}
            itemContent={(index) => (
              <Cell id={list[index]} onOpen={() => onShow(list[index])} large={size === "large"} />
            )}
          />
        </div>
      )}
      <Viewer ids={list} shown={shown} onShow={onShow} onReuse={onReuse} />
    </section>
  );
}
