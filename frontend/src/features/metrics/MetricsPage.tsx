import { SegmentedControl } from "@mantine/core";
import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "@/api/call";
import { getMetrics, type MetricPage } from "@/api/generated";
import { GridSkeleton, Loaded } from "@/components/Loaded";
import { Page, Section } from "@/components/Page";

import { MetricCard } from "./MetricCard";
import classes from "./Metrics.module.css";
import type { Range } from "./measures";

const metricsQuery = (range: Range) =>
  queryOptions({
    queryKey: ["metrics", range],
    queryFn: () => call(getMetrics({ query: { range } })),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });

/** Measures by what one asks of them. What is in `rarely` is shown only where there is any. */
const GROUPS = [
  {
    title: "Work",
    names: [
      "jobs_waiting",
      "job_wait_seconds",
      "jobs_ended",
      "job_errors",
      "images_made",
      "step_seconds",
      "jobs_running",
      "workers",
    ],
  },
  { title: "Answers", names: ["request_seconds", "request_errors", "listeners"] },
  { title: "Money and room", names: ["spent_this_month", "stored_bytes", "disk_free_bytes"] },
  { title: "Computers", names: ["cpu", "memory", "gpu", "gpu_memory"] },
];
const RARELY = new Set(["spent_this_month", "gpu", "gpu_memory"]);

const RANGES: { value: Range; label: string }[] = [
  { value: "hour", label: "Hour" },
  { value: "day", label: "Day" },
  { value: "week", label: "Week" },
  { value: "month", label: "Month" },
  { value: "year", label: "Year" },
];

function Groups({ page }: { page: MetricPage }) {
  const known = new Map(page.series.map((series) => [series.name, series]));
  return GROUPS.map(({ title, names }) => (
    <Section key={title} title={title}>
      <div className={classes.grid}>
        {names.map((name) => {
          const series = known.get(name);
          return series && (series.lines.length > 0 || !RARELY.has(name)) ? (
            <MetricCard key={name} series={series} page={page} />
          ) : null;
        })}
      </div>
    </Section>
  ));
}

/** How the studio did over time: its work, its answers, its money, its computers. */
export function MetricsPage() {
  const [range, setRange] = useState<Range>("day");
  const query = useQuery(metricsQuery(range));
  return (
    <Page
      title="Metrics"
      sub={
        <>
          Written down every half minute and kept for a year, finely at first. Prometheus reads the same at{" "}
          <code className="mono">/metrics</code>.
        </>
      }
      actions={
        <SegmentedControl
          aria-label="How far back"
          value={range}
          onChange={(next) => setRange(next as Range)}
          data={RANGES}
        />
      }
    >
      <Loaded query={query} skeleton={<GridSkeleton height={250} min={320} />}>
        {(page) => <Groups page={page} />}
      </Loaded>
    </Page>
  );
}
