import { Button, CloseButton, Popover, Select, TagsInput, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { ListFilter, ScanEye, Search } from "lucide-react";
import { useState } from "react";

import type { GridCounts } from "@/api/generated";

import { PROBLEM_WORDS } from "@/features/datasets/problems";
import type { GridFilter } from "./records";
import classes from "./Toolbar.module.css";

interface ToolbarProps {
  filter: GridFilter;
  onFilter: (filter: GridFilter) => void;
  counts: GridCounts;
  problemCounts: ReadonlyMap<string, number>;
  matching: number;
  /** Set while only the images of a finding are shown. */
  only: number | null;
  onShowAll: () => void;
  isTrainingView: boolean;
  onTrainingView: (on: boolean) => void;
}

const SIZES = { small: "Small, under 512 px", medium: "Medium", large: "Large, 1024 px and more" } as const;
const SHAPES = { portrait: "Portrait", square: "Square", landscape: "Landscape" } as const;
const STATES = {
  captioned: "With a caption",
  bare: "Without a caption",
  edited: "Edited",
  removed: "Removed",
} as const;
type State = keyof typeof STATES;

const stateOf = (filter: GridFilter): State | null =>
  filter.removed
    ? "removed"
    : filter.edited
      ? "edited"
      : filter.captioned === undefined || filter.captioned === null
        ? null
        : filter.captioned
          ? "captioned"
          : "bare";

const STATE_FILTERS: Record<State, GridFilter> = {
  captioned: { captioned: true },
  bare: { captioned: false },
  edited: { edited: true },
  removed: { removed: true },
};

function options<T extends string>(words: Partial<Record<T, string>>, count: (value: T) => number) {
  return (Object.entries(words) as [T, string][])
    .map(([value, label]) => ({ value, label: `${label} (${count(value).toLocaleString("en")})` }))
    .filter(({ value }) => count(value) > 0);
}

/** What is set of a filter, in a few words each. */
function chipsOf(filter: GridFilter): { label: string; without: GridFilter }[] {
  const chips: { label: string; without: GridFilter }[] = [];
  if (filter.problem)
    chips.push({
      label: PROBLEM_WORDS[filter.problem] ?? filter.problem,
      without: { ...filter, problem: undefined },
    });
  if (filter.size) chips.push({ label: SIZES[filter.size], without: { ...filter, size: undefined } });
  if (filter.shape) chips.push({ label: SHAPES[filter.shape], without: { ...filter, shape: undefined } });
  for (const tag of filter.tags ?? [])
    chips.push({ label: tag, without: { ...filter, tags: filter.tags?.filter((one) => one !== tag) } });
  const state = stateOf(filter);
  if (state)
    chips.push({
      label: STATES[state],
      without: { ...filter, captioned: undefined, edited: undefined, removed: undefined },
    });
  return chips;
}

export function Toolbar(props: ToolbarProps) {
  const { filter, onFilter, counts, problemCounts, matching, only, onShowAll } = props;
  const [words, setWords] = useState(filter.query ?? "");
  const search = useDebouncedCallback(
    (query: string) => onFilter({ ...filter, query: query || undefined }),
    200,
  );
  const chips = chipsOf(filter);
  const state: Record<State, number> = {
    captioned: counts.captioned,
    bare: counts.total - counts.captioned,
    edited: counts.edited,
    removed: counts.removed,
  };
  const isNarrowed = chips.length > 0 || Boolean(filter.query) || only !== null;

  return (
    <div className={classes.bar}>
      <TextInput
        size="xs"
        aria-label="Search in captions and names"
        placeholder="Search captions and names"
        leftSection={<Search size={14} />}
        value={words}
        className={classes.search}
        onChange={(event) => {
          setWords(event.currentTarget.value);
          search(event.currentTarget.value.trim());
        }}
      />
      <Popover position="bottom-start" width={280} trapFocus>
        <Popover.Target>
          <Button size="xs" variant="default" leftSection={<ListFilter size={14} />}>
            Filter
          </Button>
        </Popover.Target>
        <Popover.Dropdown className={classes.filters}>
          <Select
            size="xs"
            label="Problem"
            placeholder="Any"
            clearable
            comboboxProps={{ withinPortal: false }}
            value={filter.problem ?? null}
            data={options(PROBLEM_WORDS, (kind) => problemCounts.get(kind) ?? 0)}
            onChange={(problem) =>
              onFilter({ ...filter, problem: (problem ?? undefined) as GridFilter["problem"] })
            }
          />
          <Select
            size="xs"
            label="Size"
            placeholder="Any"
            clearable
            comboboxProps={{ withinPortal: false }}
            value={filter.size ?? null}
            data={options(SIZES, (size) => counts.sizes[size] ?? 0)}
            onChange={(size) => onFilter({ ...filter, size: (size ?? undefined) as GridFilter["size"] })}
          />
          <Select
            size="xs"
            label="Shape"
            placeholder="Any"
            clearable
            comboboxProps={{ withinPortal: false }}
            value={filter.shape ?? null}
            data={options(SHAPES, (shape) => counts.shapes[shape] ?? 0)}
            onChange={(shape) => onFilter({ ...filter, shape: (shape ?? undefined) as GridFilter["shape"] })}
          />
          <TagsInput
            size="xs"
            label="Tags"
            placeholder={Object.keys(counts.tags).length === 0 ? "None given yet" : "Any"}
            comboboxProps={{ withinPortal: false }}
            value={filter.tags ?? []}
            data={Object.keys(counts.tags)}
            onChange={(tags) => onFilter({ ...filter, tags: tags.length > 0 ? tags : undefined })}
          />
          <Select
            size="xs"
            label="State"
            placeholder="Any"
            clearable
            comboboxProps={{ withinPortal: false }}
            value={stateOf(filter)}
            data={options(STATES, (one) => state[one])}
            onChange={(one) =>
              onFilter({
                ...filter,
                captioned: undefined,
                edited: undefined,
                removed: undefined,
                ...(one ? STATE_FILTERS[one as State] : {}),
              })
            }
          />
        </Popover.Dropdown>
      </Popover>
      <Button
        size="xs"
        variant={props.isTrainingView ? "light" : "default"}
        aria-pressed={props.isTrainingView}
        leftSection={<ScanEye size={14} />}
        onClick={() => props.onTrainingView(!props.isTrainingView)}
      >
        As trained
      </Button>
      {chips.map(({ label, without }) => (
        <span key={label} className={classes.chip}>
          {label}
          <CloseButton
            size={18}
            iconSize={12}
            aria-label={`Any again: ${label}`}
            onClick={() => onFilter(without)}
          />
        </span>
      ))}
      {only !== null && (
        <span className={classes.chip}>
          Of the check
          <CloseButton size={18} iconSize={12} aria-label="Show all again" onClick={onShowAll} />
        </span>
      )}
      {isNarrowed && (
        <span className="dim small num" role="status">
          {matching.toLocaleString("en")} of {counts.total.toLocaleString("en")}
        </span>
      )}
    </div>
  );
}
