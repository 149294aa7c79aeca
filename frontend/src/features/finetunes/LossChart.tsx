import { LineChart } from "@mantine/charts";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";

import { lossQuery } from "@/api/queries";
import { Empty } from "@/components/Empty";
import { compactNumber } from "@/components/format";
import { Loaded } from "@/components/Loaded";

import { thinned } from "./thinned";

function Curve({ points }: { points: ReturnType<typeof thinned> }) {
  return (
    <LineChart
      h={220}
      data={points}
      dataKey="step"
      series={[
        { name: "loss", label: "Each step", color: "var(--ink-3)" },
        { name: "smoothed", label: "Smoothed", color: "var(--accent)" },
      ]}
      lineProps={(series) => ({
        isAnimationActive: false,
        strokeOpacity: series.name === "loss" ? 0.38 : 1,
        strokeWidth: series.name === "loss" ? 1 : 2.5,
      })}
      curveType="linear"
      withDots={false}
      withLegend
      legendProps={{ verticalAlign: "top", height: 34 }}
      gridAxis="x"
      gridColor="var(--line)"
      tickLine="none"
      strokeDasharray="0"
      valueFormatter={compactNumber}
      xAxisProps={{ type: "number", domain: [0, "dataMax"], tickCount: 7, allowDecimals: false }}
      yAxisProps={{
        width: 44,
        domain: ["auto", "auto"],
        tickCount: 5,
        tickFormatter: (loss: number) => loss.toFixed(2),
      }}
      tooltipAnimationDuration={0}
      // The caption says it; the drawing must not take the focus.
      lineChartProps={{ accessibilityLayer: false }}
      aria-hidden
    />
  );
}

/** How far off the model still is, step by step; the smoothed line is the one to watch. */
export function LossChart({ finetuneId }: { finetuneId: string }) {
  const query = useQuery(lossQuery(finetuneId));
  const points = useMemo(() => thinned(query.data ?? []), [query.data]);
  const last = points.at(-1);
  return (
    <Loaded query={query} skeleton={<div style={{ height: 240 }} />}>
      {() =>
        points.length < 2 ? (
          <Empty title="The curve begins with the first steps" compact>
            It shows how far off the model still is. It falls quickly at first, then slowly.
          </Empty>
        ) : (
          <figure>
            <figcaption className="visually-hidden">
              Loss from step {points[0].step} to {last?.step}; smoothed it went from{" "}
              {compactNumber(points[0].smoothed)} to {compactNumber(last?.smoothed ?? 0)}.
            </figcaption>
            <Curve points={points} />
          </figure>
        )
      }
    </Loaded>
  );
}
