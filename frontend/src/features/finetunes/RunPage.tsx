import { Button, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { CirclePlay, ImagePlus } from "lucide-react";
import { lazy, Suspense } from "react";

import type { Finetune } from "@/api/generated";
import { finetuneQuery } from "@/api/queries";
import { useMay } from "@/api/session";
import { TriggerChip } from "@/components/CopyButton";
import { HealthPanel } from "@/components/health/HealthPanel";
import { Loaded } from "@/components/Loaded";
import { Changing, May, useMayChange, useStanding, WhyNot } from "@/components/may/May";
import { Page, Section } from "@/components/Page";
import { ProblemCard } from "@/components/ProblemCard";
import { Fold } from "@/components/schema-form/SchemaForm";
import { ShareButton } from "@/components/sharing/ShareButton";
import { StateBadge } from "@/components/StateBadge";

import { useRunActions } from "./actions";
import { DatasetLink } from "./DatasetLink";
import { Healings } from "./Healings";
import { ImageLosses } from "./ImageLosses";
import { useOffers } from "./offers";
import { isLive } from "./phases";
import classes from "./Run.module.css";
import { RunActions } from "./RunActions";
import { Checkpoints, Log, RecipeView } from "./RunDetails";
import { RunProgress } from "./RunProgress";
import { SampleSheet } from "./SampleSheet";

const LossChart = lazy(async () => ({ default: (await import("./LossChart")).LossChart }));
const ReadingsChart = lazy(async () => ({ default: (await import("./ReadingsChart")).ReadingsChart }));

/** Where a run began that went on from another's checkpoint. */
function Parent({ run }: { run: Finetune }) {
  const parent = useQuery(finetuneQuery(run.parent_id ?? "")).data;
  if (!run.parent_id) return null;
  return (
    <>
      <span aria-hidden>·</span> restarted from step {run.parent_step} of{" "}
      <Link to="/finetunes/$finetuneId" params={{ finetuneId: run.parent_id }}>
        {parent?.name ?? "another run"}
      </Link>
    </>
  );
}

/** What became of the message to another program, where one was asked for. */
function Webhook({ run }: { run: Finetune }) {
  if (!run.webhook_url) return null;
  const { webhook } = run;
  const standing = !webhook
    ? "is told at the end"
    : webhook.state === "delivered"
      ? "was told"
      : webhook.state === "given-up"
        ? `could not be told: ${webhook.last_error ?? `status ${webhook.last_status}`}`
        : `is being told (${webhook.attempts} ${webhook.attempts === 1 ? "try" : "tries"} so far)`;
  return (
    <p className="dim small" style={{ overflowWrap: "anywhere", marginTop: 12 }}>
      {run.webhook_url} {standing}.
    </p>
  );
}

/** What can't be asked of a run at a server, and where it can. */
function AtServer({ run }: { run: Finetune }) {
  const { why } = useOffers(run);
  const mayChange = useMayChange();
  if (!run.server_id || !mayChange) return null;
  if (isLive(run.state)) return why ? <p className="dim small">{why}</p> : null;
  return (
    <p className="dim small">
      Its checkpoints are at {run.server_name}: further steps, or a restart from one of them, are for the
      studio there.
    </p>
  );
}

function SampleNow({ run }: { run: Finetune }) {
  const { act } = useRunActions(run.id);
  const { offers } = useOffers(run);
  if (!offers("sample")) return null;
  return (
    <May>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<ImagePlus size={14} />}
        loading={act.isPending && act.variables === "sample"}
        disabled={run.is_stopping}
        onClick={() => act.mutate("sample")}
      >
        Sample now
      </Button>
    </May>
  );
}

export function RunPage() {
  const { finetuneId } = useParams({ from: "/finetunes/$finetuneId" });
  const query = useQuery(finetuneQuery(finetuneId));
  const { act } = useRunActions(finetuneId);
  const mayAdminister = useMay("administer");
  const standing = useStanding("finetune", finetuneId);
  const run = query.data;
  if (!run) {
    return (
      <Page title="Finetune">
        <Loaded query={query}>{() => null}</Loaded>
      </Page>
    );
  }
  return (
    <Changing by={standing}>
      <Page
        title={run.name}
        width="full"
        above={<Link to="/finetunes">Finetunes</Link>}
        sub={
          <span className="row">
            <StateBadge state={run.state} />
            <span>Dataset</span>
            <DatasetLink run={run} gone={run.dataset_name}>
              {run.dataset_name}
            </DatasetLink>
            <span aria-hidden>·</span> {run.base}
            {run.server_name && (
              <span>
                at {mayAdminister ? <Link to="/system/servers">{run.server_name}</Link> : run.server_name}
              </span>
            )}
            <span aria-hidden>·</span> {run.quality}
            <Parent run={run} />
            <TriggerChip word={run.trigger_word} />
          </span>
        }
        actions={
          <>
            <ShareButton kind="finetune" id={run.id} name={run.name} />
            <RunActions run={run} />
          </>
        }
      >
        <WhyNot />
        <AtServer run={run} />
        {run.error && run.state === "failed" && (
          <div className={classes.error}>
            <ProblemCard
              problem={run.error}
              action={
                <May>
                  <Button
                    size="sm"
                    variant="primary"
                    leftSection={<CirclePlay size={14} />}
                    loading={act.isPending}
                    onClick={() => act.mutate("resume")}
                  >
                    Resume
                  </Button>
                </May>
              }
            />
          </div>
        )}
        <Healings run={run} />
        <div className={classes.top}>
          <RunProgress run={run} />
          <section aria-label="Loss" className={classes.panel}>
            <h2>Loss</h2>
            <Suspense fallback={<Skeleton height={240} />}>
              <LossChart finetuneId={finetuneId} />
            </Suspense>
          </section>
        </div>
        {run.state === "succeeded" && run.model_id && (
          <HealthPanel finetuneId={finetuneId} modelId={run.model_id} />
        )}
        <Section title="Samples" aside={run.state === "running" && <SampleNow run={run} />}>
          <SampleSheet run={run} />
        </Section>
        <ImageLosses run={run} />
        <div className={classes.bottom}>
          <Checkpoints run={run} />
          <section aria-label="Readings" className={classes.panel}>
            <h2>Readings</h2>
            <Suspense fallback={<Skeleton height={190} />}>
              <ReadingsChart finetuneId={finetuneId} />
            </Suspense>
          </section>
        </div>
        <section aria-label="Log" className={`${classes.panel} ${classes.middle}`}>
          <h2>Log</h2>
          <Log finetuneId={finetuneId} />
        </section>
        <Webhook run={run} />
        <div className={classes.fold}>
          <Fold title="Recipe">
            <RecipeView run={run} />
          </Fold>
        </div>
      </Page>
    </Changing>
  );
}
