import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Ban, RotateCw, Sparkles } from "lucide-react";
import type { ReactNode } from "react";

import { call } from "@/api/call";
import { cancelGeneration, type Generation } from "@/api/generated";
import { Empty } from "@/components/Empty";
import { ago } from "@/components/format";
import { Changing, useStanding } from "@/components/may/May";
import { ProblemCard } from "@/components/ProblemCard";
import type { Reuse } from "@/components/recipe";
import { StateBadge } from "@/components/StateBadge";
import { toastProblem } from "@/components/undo";

import { costText, HostedOutcome } from "./HostedOutcome";
import { ResultCard } from "./ResultCard";
import classes from "./Results.module.css";

interface ResultsProps {
  generations: Generation[];
  onReuse: (reuse: Reuse) => void;
  onShow: (id: string) => void;
  onRetry: (generation: Generation) => void;
}

const isActive = ({ state }: Generation) => state === "queued" || state === "running";
const PHASES: Record<string, string> = {
  "loading base": "Loading the base",
  "loading adapter": "Loading the model",
  generating: "Drawing",
  preparing: "Preparing",
  starting: "Starting the generator",
  waiting: "Waiting",
  recovering: "Going on after an interruption",
};
// Older ones are in the gallery.
const SHOWN = 6;

function Group({
  generation,
  onReuse,
  onShow,
  onRetry,
}: { generation: Generation } & Omit<ResultsProps, "generations">) {
  const client = useQueryClient();
  const gone =
    useQuery<string[]>({ queryKey: ["gallery", "gone"], enabled: false, staleTime: Infinity }).data ?? [];
  const cancel = useMutation({
    mutationFn: () => call(cancelGeneration({ path: { generation_id: generation.id } })),
    onError: toastProblem,
    onSettled: () => client.invalidateQueries({ queryKey: ["generations"] }),
  });
  const standing = useStanding("generation", generation.id);
  const active = isActive(generation);
  const slots = generation.slots.filter(({ result }) => (result ? !gone.includes(result.image.id) : active));
  if (slots.length === 0 && generation.state === "succeeded") return null;
  return (
    <Changing by={standing}>
      <article className={classes.group} aria-label={generation.prompt || generation.model_name}>
        <header className={classes.groupHead}>
          <div className={classes.words}>
            <p className={classes.prompt}>{generation.prompt}</p>
            <p className="dim small">
              {generation.model_name}
              {generation.model_id !== generation.base && ` at ${generation.finetune_strength}`} ·{" "}
              {ago(generation.created_at)}
              {generation.cost && <span className="num"> · {costText(generation)}</span>}
              {generation.state === "queued" &&
                generation.waiting_for &&
                ` · waits for ${generation.waiting_for}`}
            </p>
          </div>
          {generation.state !== "succeeded" && (
            <StateBadge
              state={generation.state}
              word={
                generation.state === "running"
                  ? (PHASES[generation.phase] ?? generation.phase) || undefined
                  : undefined
              }
            />
          )}
          {active && standing.may && (
            <Button
              size="compact-sm"
              variant="quiet"
              leftSection={<Ban size={14} />}
              loading={cancel.isPending}
              onClick={() => cancel.mutate()}
            >
              Cancel
            </Button>
          )}
        </header>
        {generation.error && generation.state === "failed" && (
          <ProblemCard
            problem={generation.error}
            action={
              !generation.cost && (
                <Button
                  size="xs"
                  variant="default"
                  leftSection={<RotateCw size={14} />}
                  onClick={() => onRetry(generation)}
                >
                  Try again
                </Button>
              )
            }
          />
        )}
        {generation.cost && !active && <HostedOutcome generation={generation} />}
        <ul className={classes.cards} data-wide={generation.width > generation.height || undefined}>
          {slots.map((slot) => (
            <ResultCard
              key={slot.index}
              generation={generation}
              slot={slot}
              onReuse={onReuse}
              onShow={onShow}
            />
          ))}
        </ul>
      </article>
    </Changing>
  );
}

export function Results({ generations, ...rest }: ResultsProps) {
  const shown = generations.filter((generation, index) => index < SHOWN || isActive(generation));
  let body: ReactNode = shown.map((generation) => (
    <Group key={generation.id} generation={generation} {...rest} />
  ));
  if (shown.length === 0) {
    body = (
      <Empty title="Say what you want to see" art={<Sparkles size={34} strokeWidth={1.3} />}>
        Write a prompt and press Generate. The cards appear at once and fill as each image is finished.
      </Empty>
    );
  }
  return (
    <section aria-label="Results" className={classes.results}>
      {body}
    </section>
  );
}
