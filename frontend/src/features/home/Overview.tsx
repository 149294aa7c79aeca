import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Boxes, Sparkles } from "lucide-react";

import type { Finetune, Model } from "@/api/generated";
import { generationsQuery } from "@/api/queries";
import { useMay } from "@/api/session";
import { May } from "@/components/may/May";
import { Section } from "@/components/Page";
import { Picture } from "@/components/Picture";
import { RunRow, RunRows } from "@/components/RunRow";

import classes from "./Home.module.css";

function Runs({ title, runs }: { title: string; runs: Finetune[] }) {
  if (runs.length === 0) return null;
  return (
    <Section title={title}>
      <RunRows>
        {runs.map((run) => (
          <RunRow key={run.id} run={run} />
        ))}
      </RunRows>
    </Section>
  );
}

function ReadyModels({ models }: { models: Model[] }) {
  const mayCreate = useMay("create");
  if (models.length === 0) return null;
  return (
    <Section title="Ready to use" aside={<Link to="/models">All models</Link>}>
      <ul className={classes.models}>
        {models.map((model) => (
          <li key={model.id}>
            <Link
              {...(mayCreate
                ? { to: "/create", search: { model: model.id, prompt: model.prompts[0] } }
                : { to: "/models/$modelId", params: { modelId: model.id } })}
              className={classes.model}
              aria-label={mayCreate ? `Create with ${model.name}` : model.name}
            >
              <span className={classes.modelCover}>
                {model.cover ? (
                  <Picture image={model.cover} alt="" fit="square" show={200} />
                ) : (
                  <Boxes size={26} strokeWidth={1.3} aria-hidden />
                )}
              </span>
              <span className="card-title clip">{model.name}</span>
              <span className="dim small clip">{model.trigger_word || model.base}</span>
            </Link>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Latest() {
  const generations = useQuery(generationsQuery).data ?? [];
  const images = generations
    .flatMap(({ slots }) => slots.flatMap(({ result }) => (result ? [result] : [])))
    .slice(0, 12);
  if (images.length === 0) return null;
  return (
    <Section title="Latest images" aside={<Link to="/gallery">Gallery</Link>}>
      <ul className={classes.latest}>
        {images.map(({ image, facts }) => (
          <li key={image.id}>
            <Link to="/gallery" search={{ image: image.id }} aria-label={facts.prompt}>
              <Picture image={image} alt="" fit="square" show={140} />
            </Link>
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** What runs, what needs me, what is ready, what was made. */
export function Overview({ finetunes, models }: { finetunes: Finetune[]; models: Model[] }) {
  const mayTrain = useMay("train");
  const running = finetunes.filter(({ state }) => state === "running" || state === "queued");
  const needing = finetunes.filter(({ state }) => state === "failed" || state === "paused");
  const finished = finetunes.filter(({ state }) => state === "succeeded").slice(0, 3);
  return (
    <>
      <Runs title="Running now" runs={running} />
      <Runs title={mayTrain ? "Needs you" : "Stopped on the way"} runs={needing} />
      <ReadyModels models={models} />
      <Latest />
      <Runs title="Finished" runs={finished} />
    </>
  );
}

export function OverviewActions() {
  return (
    <>
      <May rule="train">
        <Button variant="default" component={Link} to="/finetunes/new">
          New finetune
        </Button>
      </May>
      <May rule="create">
        <Button variant="primary" component={Link} to="/create" leftSection={<Sparkles size={16} />}>
          Create
        </Button>
      </May>
    </>
  );
}
