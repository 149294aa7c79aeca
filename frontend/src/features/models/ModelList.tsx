import { Button, Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Boxes, Search } from "lucide-react";
import { useState } from "react";

import type { ModelPage } from "@/api/generated";
import { Empty } from "@/components/Empty";
import { countOf } from "@/components/format";
import { GridSkeleton } from "@/components/Loaded";
import { ErrorState } from "@/components/ProblemCard";

import { modelPagesQuery, type ModelFilter } from "./catalogue";
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

/** One's own models: found, filtered and shown a window at a time. */
export function ModelList() {
  const [filter, setFilter] = useState<ModelFilter>({ order: "newest" });
  const [words, setWords] = useState("");
  const [query] = useDebouncedValue(words.trim(), 200);
  const pages = useInfiniteQuery(modelPagesQuery({ ...filter, ...(query ? { query } : {}) }));
  if (pages.data === undefined) {
    return pages.isError ? (
      <ErrorState error={pages.error} retry={() => void pages.refetch()} />
    ) : (
      <GridSkeleton />
    );
  }
  const page = pages.data.pages[0];
  const items = pages.data.pages.flatMap((each) => each.items);
  if (page.whole === 0) {
    return (
      <Empty
        title="Your models live here"
        art={<Boxes size={36} strokeWidth={1.3} />}
        action={
          <Button variant="primary" component={Link} to="/finetunes/new">
            New finetune
          </Button>
        }
      >
        A finetune that finishes becomes a model: with its trigger word, its file to download, and how it was
        made. LoRA files of other programs can be dropped here.
      </Empty>
    );
  }
  return (
    <>
      {page.whole > WORTH_FILTERING && (
        <Filters
          page={page}
          filter={filter}
          onChange={(part) => setFilter({ ...filter, ...part })}
          words={words}
          onWords={setWords}
        />
      )}
      <p className="dim small num" role="status" style={{ marginBottom: 8 }}>
        {page.total === page.whole
          ? countOf(page.whole, "model")
          : `${page.total.toLocaleString("en")} of ${countOf(page.whole, "model")}`}
      </p>
      {items.length === 0 ? (
        <Empty title="Nothing matches" compact>
          Try other words, or fewer filters.
        </Empty>
      ) : (
        <ul className="cards">
          {items.map((model) => (
            <ModelCard key={model.id} model={model} />
          ))}
        </ul>
      )}
      {pages.hasNextPage && (
        <Button
          variant="default"
          mt="md"
          loading={pages.isFetchingNextPage}
          onClick={() => void pages.fetchNextPage()}
        >
          Show more ({items.length.toLocaleString("en")} of {page.total.toLocaleString("en")})
        </Button>
      )}
    </>
  );
}
