import { AreaChart, BarChart, LineChart } from "@mantine/charts";
import { useMemo } from "react";

import type { MetricPage, MetricSeries } from "@/api/generated";

import classes from "./Metrics.module.css";
import {
  figureOf,
  formatOf,
  labelWords,
  plotHelp,
  plotOf,
  ticksOf,
  timeFormat,
  type Format,
  type Plot,
} from "./measures";

const HEIGHT = 168;

interface ChartProps {
  plot: Plot;
  format: Format;
  page: MetricPage;
}

const shared = ({ plot, format, page }: ChartProps, isWhole: boolean) => ({
  h: HEIGHT,
  data: plot.rows,
  dataKey: "at",
  series: plot.series,
  gridAxis: "x" as const,
  gridColor: "var(--line)",
  tickLine: "none" as const,
  strokeDasharray: "0",
  valueFormatter: format,
  tooltipAnimationDuration: 0,
  tooltipProps: { labelFormatter: (at: unknown) => timeFormat(page.range)(Number(at)) },
  yAxisProps: {
    width: 58,
    tickCount: 4,
    tickFormatter: format,
    domain: [0, "auto"] as [number, string],
    allowDecimals: !isWhole,
  },
  "aria-hidden": true,
});

const timeAxis = (page: MetricPage) => ({
  type: "number" as const,
  scale: "time" as const,
  domain: [Date.parse(page.begins_at), Date.parse(page.ends_at)] as [number, number],
  tickFormatter: timeFormat(page.range),
  ticks: ticksOf(page),
  interval: "preserveStartEnd" as const,
});

/** What came in each stretch stands on the floor; how much there was, or how long it took, is a line. */
function Chart({ series, ...rest }: ChartProps & { series: MetricSeries }) {
  const props = shared(rest, series.unit === "");
  const lines = { isAnimationActive: false, strokeWidth: 2, connectNulls: true };
  if (series.kind === "counter")
    return (
      <BarChart
        {...props}
        type="stacked"
        xAxisProps={{ tickFormatter: timeFormat(rest.page.range), minTickGap: 24 }}
        barProps={{ isAnimationActive: false }}
        barChartProps={{ accessibilityLayer: false }}
      />
    );
  if (series.name === "stored_bytes")
    return (
      <AreaChart
        {...props}
        type="stacked"
        xAxisProps={timeAxis(rest.page)}
        areaProps={lines}
        withDots={rest.plot.rows.length < 2}
        areaChartProps={{ accessibilityLayer: false }}
      />
    );
  return (
    <LineChart
      {...props}
      xAxisProps={timeAxis(rest.page)}
      lineProps={lines}
      curveType="linear"
      withDots={rest.plot.rows.length < 2}
      lineChartProps={{ accessibilityLayer: false }}
    />
  );
}

/** One measure: what it is, its figure, its plot, and the same in words for who does not see the plot. */
export function MetricCard({ series, page }: { series: MetricSeries; page: MetricPage }) {
  const plot = useMemo(() => plotOf(series, page.step_s), [series, page.step_s]);
  const format = formatOf(series.unit);
  const figure = figureOf(series);
  const isSeveral = plot.series.length > 1;
  return (
    <figure className={classes.card} aria-label={series.title}>
      <figcaption className={classes.head}>
        <span>
          <strong className={classes.title}>{series.title}</strong>
          <span className="dim small">{plotHelp(series)}</span>
        </span>
        {figure !== null && <span className={classes.figure}>{figure}</span>}
      </figcaption>
      {plot.rows.length === 0 ? (
        <p className={classes.none}>Nothing in this time.</p>
      ) : (
        <Chart series={series} plot={plot} format={format} page={page} />
      )}
      {isSeveral && (
        <ul className={classes.legend}>
          {plot.series.map(({ name, label, color }) => (
            <li key={name}>
              <span className={classes.swatch} style={{ background: color }} aria-hidden />
              {label}
            </li>
          ))}
        </ul>
      )}
      {series.kind === "histogram" && series.lines.length > 1 && (
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">{labelWords(series.label)}</th>
              <th scope="col">50 of 100</th>
              <th scope="col">95 of 100</th>
              <th scope="col">99 of 100</th>
            </tr>
          </thead>
          <tbody>
            {series.lines.map((line) => (
              <tr key={line.label}>
                <th scope="row">{labelWords(line.label)}</th>
                {[line.p50, line.p95, line.p99].map((value, index) => (
                  <td key={index}>{value === null ? "–" : format(value)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </figure>
  );
}
