import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import { lossQuery } from "@/api/queries";
import { bytes, compactNumber } from "@/components/format";

import classes from "./Run.module.css";
import { StepChart } from "./StepChart";
import { measured, READINGS, thinned, type Reading } from "./thinned";

const FORMATS: Record<Reading, (value: number) => string> = {
  learning_rate: compactNumber,
  grad_norm: compactNumber,
  seconds_per_step: (value) => `${compactNumber(value)} s`,
  memory_bytes: bytes,
  device_load: (value) => `${Math.round(100 * value)} %`,
};

/** Learning rate, gradient, speed, memory, load: one at a time over the steps, the newest value of each beside. */
export function ReadingsChart({ finetuneId }: { finetuneId: string }) {
  const all = useQuery(lossQuery(finetuneId)).data;
  const points = useMemo(() => thinned(all ?? []), [all]);
  const offered = measured(all ?? []);
  const [chosen, setChosen] = useState<Reading>("grad_norm");
  const reading = offered.some((one) => one.reading === chosen) ? chosen : offered[0]?.reading;
  const about = READINGS.find(({ value }) => value === reading);
  const last = offered.find((one) => one.reading === reading)?.last;
  if (!about || last === undefined || points.length < 2)
    return <p className="dim small">Measured from the first steps on.</p>;
  const format = FORMATS[about.value];
  return (
    <figure className={classes.readings}>
      <Select
        size="xs"
        aria-label="What to show"
        data={READINGS.filter(({ value }) => offered.some((one) => one.reading === value)).map(
          ({ value, title }) => ({ value, label: title }),
        )}
        value={about.value}
        onChange={(next) => next && setChosen(next as Reading)}
        allowDeselect={false}
        w={180}
      />
      <figcaption className="dim small">
        {about.what} Now <strong className="num">{format(last)}</strong>.
      </figcaption>
      <StepChart
        data={points}
        series={[{ name: about.value, label: about.title, color: "var(--accent)" }]}
        format={format}
        height={190}
        withLegend={false}
      />
    </figure>
  );
}
