import { Button, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Boxes, Search } from "lucide-react";
import { useState } from "react";
import { VirtuosoGrid, type GridStateSnapshot } from "react-virtuoso";

import type { ModelPage } from "@/api/generated";
import { Empty } from "@/components/Empty";
import { countOf } from "@/components/format";
import { May } from "@/components/may/May";
import { GridSkeleton } from "@/components/Loaded";
import { ErrorState } from "@/components/ProblemCard";

import { modelWindowQuery, WINDOW, type ModelFilter } from "./catalogue";
import { ModelCard } from "./ModelCard";
import classes from "./Models.module.css";

type Facet = "base" | "mode" | "tag";
const FACETS: { key: Facet; label: string; all: string; of: (page: ModelPage) => Record<string, number> }[] =
  [
    { key: "base", label: "Base", all: "All bases", of: (page) => page.bases },
    { key: "mode", label: "Kind", all: "All kinds", of: (page) => page.modes },
    { key: "tag", label: "Tag", all: "All tags", of: (page) => page.tags },
  ];
const ORDERS = [
  { value: "newest", label: "Newest first" },
  { value: "oldest", label: "Oldest first" },
  { value: "name", label: "By name" },
] as const;
/** Fewer are seen at a glance. */
const WORTH_FILTERING = 5;

interface FiltersProps {
  page: ModelPage;
  filter: ModelFilter;
  onChange: (part: ModelFilter) => void;
  words: string;
  onWords: (words: string) => void;
}

function Filters({ page, filter, onChange, words, onWords }: FiltersProps) {
  return (
    <search className={classes.filters}>
      <TextInput
        size="sm"
        aria-label="Search models"
        placeholder="Search name, trigger word, tags, notes"
        leftSection={<Search size={14} />}
        value={words}
        onChange={(event) => onWords(event.currentTarget.value)}
        className={classes.search}
      />
      {FACETS.map(({ key, label, all, of }) => {
        const values = Object.entries(of(page));
        return (
          values.length > 1 && (
            <Select
              key={key}
              size="sm"
              aria-label={label}
              placeholder={all}
              data={values.map(([value, count]) => ({ value, label: `${value} (${count})` }))}
              value={filter[key] ?? null}
              onChange={(value) => onChange({ [key]: value ?? undefined })}
              clearable
              searchable={values.length > 8}
              className={classes.facet}
            />
          )
        );
      })}
      <Select
        size="sm"
        aria-label="Order"
        data={ORDERS}
        value={filter.order ?? "newest"}
        onChange={(order) => onChange({ order: order ?? "newest" })}
        allowDeselect={false}
        className={classes.facet}
      />
    </search>
  );
}

/** A place of the list: its model as soon as the window it is in has come. */
function Place({ filter, index }: { filter: ModelFilter; index: number }) {
  const page = useQuery(modelWindowQuery(filter, Math.floor(index / WINDOW)));
  const model = page.data?.items[index % WINDOW];
  return model ? <ModelCard model={model} /> : <div className={`card ${classes.waiting}`} aria-hidden />;
}

/** Where each list was scrolled to: coming back from a model shows it as it was left. */
const LEFT = new Map<string, GridStateSnapshot>();

function Cards({ filter, total }: { filter: ModelFilter; total: number }) {
  const key = JSON.stringify(filter);
  if (total <= WINDOW)
    return (
      <div className="cards" role="list" aria-label="Models">
        {Array.from({ length: total }, (_, index) => (
          <div key={index} role="listitem">
            <Place filter={filter} index={index} />
          </div>
        ))}
      </div>
    );
  return (
    <VirtuosoGrid
      key={key}
      useWindowScroll
      totalCount={total}
      listClassName="cards"
      increaseViewportBy={400}
      restoreStateFrom={LEFT.get(key)}
      stateChanged={(state) => LEFT.set(key, state)}
      itemContent={(index) => <Place filter={filter} index={index} />}
      aria-label="Models"
    />
  );
}

/** One's own models: found and filtered by the server; what is asked for is part of the address. */
export function ModelList() {
  const navigate = useNavigate();
  const search = useSearch({ from: "/models" });
  const filter: ModelFilter = { order: "newest", ...search };
  const [typed, setTyped] = useState<string | null>(null);
  const first = useQuery({ ...modelWindowQuery(filter, 0), placeholderData: keepPreviousData });
  const change = (part: ModelFilter) => {
    const { order, ...rest } = { ...filter, ...part };
    const next = { ...rest, order: order === "newest" ? undefined : order };
    void navigate({ to: "/models", search: next, replace: true, resetScroll: false });
  };
  const ask = useDebouncedCallback((words: string) => change({ query: words.trim() || undefined }), 200);
  if (first.data === undefined) {
    return first.isError ? (
      <ErrorState error={first.error} retry={() => void first.refetch()} />
    ) : (
      <GridSkeleton />
    );
  }
  const page = first.data;
  if (page.whole === 0) {
    return (
      <Empty
        title="Your models live here"
        art={<Boxes size={36} strokeWidth={1.3} />}
        action={
          <May rule="train">
            <Button variant="primary" component={Link} to="/finetunes/new">
              New finetune
            </Button>
          </May>
        }
      >
        A finetune that finishes becomes a model: with its trigger word, its file to download, and how it was
        made. LoRA files of other programs can be dropped here.
      </Empty>
    );
  }
  const isFiltered = page.total !== page.whole;
  return (
    <>
      {(page.whole > WORTH_FILTERING || isFiltered) && (
        <Filters
          page={page}
          filter={filter}
          onChange={change}
          words={typed ?? filter.query ?? ""}
          onWords={(words) => {
            setTyped(words);
            ask(words);
          }}
        />
      )}
      <p className="dim small num row" role="status" style={{ marginBottom: 8 }}>
        {isFiltered
          ? `${page.total.toLocaleString("en")} of ${countOf(page.whole, "model")}`
          : countOf(page.whole, "model")}
        {page.total > WINDOW && <a href="#bases">To the bases</a>}
      </p>
      {page.total === 0 ? (
        <Empty title="Nothing matches" compact>
          Try other words, or fewer filters.
        </Empty>
      ) : (
        <Cards filter={filter} total={page.total} />
      )}
    </>
  );
}
