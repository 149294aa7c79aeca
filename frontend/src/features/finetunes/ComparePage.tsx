import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense } from "react";

import type { ComparedFinetune, Comparison, Finetune } from "@/api/generated";
import { comparisonQuery, finetunesQuery } from "@/api/queries";
import { Empty } from "@/components/Empty";
import { countOf } from "@/components/format";
import { VERDICTS } from "@/components/health/words";
import { Loaded } from "@/components/Loaded";
import { Page, Section } from "@/components/Page";
import { Badge, StateBadge } from "@/components/StateBadge";

import classes from "./Compare.module.css";
import { Differences } from "./Differences";
import { SidesSheet } from "./SidesSheet";

const CompareChart = lazy(async () => ({ default: (await import("./CompareChart")).CompareChart }));

function Side({ name, side }: { name: string; side: ComparedFinetune }) {
  const { finetune: run, health } = side;
  return (
    <div className={classes.side}>
      <p className="row">
        <span className={classes.letter} data-side={name}>
          {name}
        </span>
        <Link to="/finetunes/$finetuneId" params={{ finetuneId: run.id }}>
          {run.name}
        </Link>
        <StateBadge state={run.state} />
        {health?.verdict && (
          <Badge tone={VERDICTS[health.verdict].tone}>{VERDICTS[health.verdict].word}</Badge>
        )}
      </p>
      <p className="dim small num">
        {run.base} · {countOf(run.step, "step")} · {countOf(run.image_count, "image")}
      </p>
      {health?.summary && <p className="small">{health.summary}</p>}
      {health?.recommendation && <p className="small">Recommended: {health.recommendation.text}</p>}
    </div>
  );
}

function Compared({ comparison }: { comparison: Comparison }) {
  const { a, b } = comparison;
  return (
    <>
      <div className={classes.sides}>
        <Side name="A" side={a} />
        <Side name="B" side={b} />
      </div>
      <Section title="What differs">
        <Differences pairs={[...comparison.facts, ...comparison.recipe]} />
      </Section>
      <Section title="Loss">
        <div className={classes.panel}>
          <Suspense fallback={<div style={{ height: 240 }} />}>
            <CompareChart a={a} b={b} />
          </Suspense>
        </div>
      </Section>
      <Section title="Samples">
        <SidesSheet a={a} b={b} />
      </Section>
    </>
  );
}

function Choice({
  label,
  value,
  other,
  list,
  onChange,
}: {
  label: string;
  value: string;
  other: string;
  list: Finetune[];
  onChange: (id: string) => void;
}) {
  return (
    <Select
      label={label}
      placeholder="Choose a finetune"
      data={list.filter(({ id }) => id !== other).map(({ id, name }) => ({ value: id, label: name }))}
      value={value || null}
      onChange={(id) => id && onChange(id)}
      searchable
      allowDeselect={false}
    />
  );
}

/** Two finetunes side by side: what differs between them, and what came of it. */
export function ComparePage() {
  const { a = "", b = "" } = useSearch({ from: "/finetunes/compare" });
  const navigate = useNavigate();
  const list = useQuery(finetunesQuery).data ?? [];
  const query = useQuery(comparisonQuery(a, b));
  const choose = (search: { a: string; b: string }) =>
    void navigate({ to: "/finetunes/compare", search, replace: true });
  return (
    <Page title="Compare finetunes" width="full" above={<Link to="/finetunes">Finetunes</Link>}>
      <div className={classes.choices}>
        <Choice label="A" value={a} other={b} list={list} onChange={(id) => choose({ a: id, b })} />
        <Choice label="B" value={b} other={a} list={list} onChange={(id) => choose({ a, b: id })} />
      </div>
      {a && b && a !== b ? (
        <Loaded query={query}>{(comparison) => <Compared comparison={comparison} />}</Loaded>
      ) : (
        <Empty title="Choose two finetunes" compact>
          Their recipes, curves and samples are then shown beside each other.
        </Empty>
      )}
    </Page>
  );
}
