import { Button, TextInput } from "@mantine/core";
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { CircleCheck, CircleX, Play, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

import type { Dataset, FinetunePlan } from "@/api/generated";
import { problemOf } from "@/api/problem";
import { systemQuery } from "@/api/queries";
import { bytes, bytesRange, countOf, durationRange } from "@/components/format";
import { QuotaLine } from "@/components/quota/QuotaLine";

import { deviceMemory, fitWords } from "./fits";
import classes from "./NewFinetune.module.css";

interface PlanSummaryProps {
  plan: UseQueryResult<FinetunePlan>;
  dataset: Dataset | undefined;
  name: string;
  onName: (name: string) => void;
  onChange: (recipe: Record<string, unknown>) => void;
  onStart: () => void;
  isStarting: boolean;
  canStart: boolean;
  /** How the figures can be measured instead of estimated. */
  measuring: ReactNode;
}

const rounded = (value: number) => (value >= 10 ? Math.round(value) : Number(value.toFixed(1)));

/** Whether it fits; where it does not, what to change, each with one click. */
function Fit({ plan, onChange }: { plan: FinetunePlan; onChange: PlanSummaryProps["onChange"] }) {
  const system = useQuery(systemQuery).data;
  const Icon = plan.fits ? CircleCheck : CircleX;
  return (
    <div className={classes.fit}>
      <p className={classes.fits} role="status">
        <Icon size={15} aria-hidden className={plan.fits ? "good" : "bad"} />
        {fitWords(plan, deviceMemory(plan, system))}
      </p>
      {plan.suggestions.length > 0 && (
        <ul className={classes.suggestions} aria-label="What would make it fit">
          {plan.suggestions.map((suggestion) => (
            <li key={suggestion.title}>
              <Button size="xs" variant="default" onClick={() => onChange(suggestion.recipe)}>
                {suggestion.title}
              </Button>
              <span className="dim small">{suggestion.detail}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** What it will take, said before it is started. */
export function PlanSummary(props: PlanSummaryProps) {
  const { plan, dataset, name, onName, onChange, onStart, isStarting, canStart, measuring } = props;
  const data = plan.data;
  return (
    <section aria-label="Summary" className={classes.summary}>
      <h2>Summary</h2>
      <TextInput
        label="Name"
        value={name}
        placeholder={dataset?.name ?? "Name of the model"}
        maxLength={120}
        onChange={(event) => onName(event.currentTarget.value)}
      />
      {data && dataset ? (
        <>
          <dl className="facts" aria-live="polite" data-stale={plan.isFetching || undefined}>
            <dt>Images</dt>
            <dd>{data.image_count}</dd>
            <dt>Each seen</dt>
            <dd>about {countOf(rounded(data.epochs), "time")}</dd>
            <dt>Steps</dt>
            <dd>{(data.recipe.steps ?? 0).toLocaleString("en")}</dd>
            <dt>Resolution</dt>
            <dd>{data.recipe.resolution} px</dd>
            {data.server ? (
              <>
                <dt>Trains at</dt>
                <dd className={classes.big}>{data.server}</dd>
              </>
            ) : (
              <>
                <dt>Memory</dt>
                <dd>{bytesRange(data.memory_bytes)}</dd>
                <dt>Disk</dt>
                <dd>{bytes(data.disk_bytes)}</dd>
                <dt>Time</dt>
                <dd className={classes.big}>{durationRange(data.seconds)}</dd>
              </>
            )}
          </dl>
          {!data.server && <Fit plan={data} onChange={onChange} />}
          {measuring}
        </>
      ) : (
        <p className="dim small">
          {plan.isError ? problemOf(plan.error).detail : "Choose a dataset, and this shows what it takes."}
        </p>
      )}
      {data?.warnings.map((warning) => (
        <p key={warning} className={classes.warning}>
          <TriangleAlert size={15} aria-hidden /> {warning}
        </p>
      ))}
      {data && data.waits_behind > 0 && (
        <p className="dim small">
          Starts after{" "}
          {data.waits_behind === 1
            ? "the job that runs now"
            : `${data.waits_behind} jobs that run or wait now`}
          .
        </p>
      )}
      <Button
        variant="primary"
        size="md"
        fullWidth
        leftSection={<Play size={16} />}
        onClick={onStart}
        loading={isStarting}
        disabled={!canStart}
      >
        Start finetune
      </Button>
      <QuotaLine names={["finetunes_at_once", "finetunes_per_month"]} />
      {data && (
        <p className={classes.foot}>
          {data.server
            ? `The images are sent to ${data.server}; progress and the model come back.`
            : "Runs on this computer. Costs nothing but time."}
        </p>
      )}
    </section>
  );
}
