import { LineChart, type LineChartSeries } from "@mantine/charts";

interface StepChartProps {
  data: object[];
  series: LineChartSeries[];
  format: (value: number) => string;
  height?: number;
  /** A level to compare with. */
  reference?: { y: number; label: string };
  faint?: string;
  dotted?: string;
  withLegend?: boolean;
}

/** A line over steps. What it says is written beside it; the drawing itself is hidden from screen readers. */
export function StepChart(props: StepChartProps) {
  const { data, series, format, height = 220, reference, faint, dotted, withLegend = true } = props;
  return (
    <LineChart
      h={height}
      data={data as Record<string, unknown>[]}
      dataKey="step"
      series={series}
      lineProps={(one) => ({
        isAnimationActive: false,
        strokeOpacity: one.name === faint ? 0.38 : 1,
        strokeWidth: one.name === faint ? 1 : 2.5,
        dot: one.name === dotted ? { r: 3, fill: one.color, strokeWidth: 0 } : false,
        connectNulls: true,
      })}
      referenceLines={reference && [{ ...reference, color: "var(--ink-3)", labelPosition: "insideTopRight" }]}
      curveType="linear"
      withDots={false}
      connectNulls
      withLegend={withLegend}
      legendProps={{ verticalAlign: "top", height: 34 }}
      gridAxis="x"
      gridColor="var(--line)"
      tickLine="none"
      strokeDasharray="0"
      valueFormatter={format}
      xAxisProps={{ type: "number", domain: [0, "dataMax"], tickCount: 7, allowDecimals: false }}
      yAxisProps={{ width: 56, domain: ["auto", "auto"], tickCount: 5, tickFormatter: format }}
      tooltipAnimationDuration={0}
      lineChartProps={{ accessibilityLayer: false }}
      aria-hidden
    />
  );
}
