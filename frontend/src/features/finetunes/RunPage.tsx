import { Button, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { CirclePlay } from "lucide-react";
import { lazy, Suspense } from "react";

import { finetuneQuery } from "@/api/queries";
import { TriggerChip } from "@/components/CopyButton";
import { Loaded } from "@/components/Loaded";
import { Page, Section } from "@/components/Page";
import { ProblemCard } from "@/components/ProblemCard";
import { Fold } from "@/components/schema-form/SchemaForm";
import { StateBadge } from "@/components/StateBadge";

import { useRunActions } from "./actions";
import classes from "./Run.module.css";
import { RunActions } from "./RunActions";
import { Checkpoints, Log, RecipeView } from "./RunDetails";
import { RunProgress } from "./RunProgress";
import { SampleSheet } from "./SampleSheet";

const LossChart = lazy(async () => ({ default: (await import("./LossChart")).LossChart }));

export function RunPage() {
  const { finetuneId } = useParams({ from: "/finetunes/$finetuneId" });
  const query = useQuery(finetuneQuery(finetuneId));
  const { act } = useRunActions(finetuneId);
  const run = query.data;
  if (!run) {
    return (
      <Page title="Finetune">
        <Loaded query={query}>{() => null}</Loaded>
      </Page>
    );
  }
  const isDrawing = run.state === "running" && run.phase.startsWith("sampling");
  return (
    <Page
      title={run.name}
      width="full"
      above={<Link to="/finetunes">Finetunes</Link>}
      sub={
        <span className="row">
          <StateBadge state={run.state} />
          <span>Dataset</span>
          <Link to="/datasets/$datasetId" params={{ datasetId: run.dataset_id }}>
            {run.dataset_name}
          </Link>
          <span aria-hidden>·</span> {run.base} <span aria-hidden>·</span> {run.quality}
          <TriggerChip word={run.trigger_word} />
        </span>
      }
      actions={<RunActions run={run} />}
    >
      {run.error && run.state === "failed" && (
        <div className={classes.error}>
          <ProblemCard
            problem={run.error}
            action={
              <Button
                size="sm"
                variant="primary"
                leftSection={<CirclePlay size={14} />}
                loading={act.isPending}
                onClick={() => act.mutate("resume")}
              >
                Resume
              </Button>
            }
          />
        </div>
      )}
      <div className={classes.top}>
        <RunProgress run={run} />
        <section aria-label="Loss" className={classes.panel}>
          <h2>Loss</h2>
          <Suspense fallback={<Skeleton height={240} />}>
            <LossChart finetuneId={finetuneId} />
          </Suspense>
        </section>
      </div>
      <Section title="Samples">
        <SampleSheet finetuneId={finetuneId} isDrawing={isDrawing} />
      </Section>
      <div className={classes.bottom}>
        <Checkpoints finetuneId={finetuneId} />
        <section aria-label="Log" className={classes.panel}>
          <h2>Log</h2>
          <Log finetuneId={finetuneId} />
        </section>
      </div>
      <div className={classes.fold}>
        <Fold title="Recipe">
          <RecipeView run={run} />
        </Fold>
      </div>
    </Page>
  );
}
