import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ImagePlus, Play, Sparkles, TrendingDown } from "lucide-react";

import { samplesQuery } from "@/api/queries";
import { usePermissions } from "@/api/session";
import { May } from "@/components/may/May";
import { ErrorState } from "@/components/ProblemCard";

import classes from "./Home.module.css";
import { useTrySample } from "./useTrySample";

const STEPS = [
  {
    title: "Show it images",
    text: "Ten or twenty of one character, product or style, each with a line.",
    Icon: ImagePlus,
    to: "/datasets",
    rule: "read",
  },
  {
    title: "Train",
    text: "Watch it learn: real progress, and the same prompts drawn again and again.",
    Icon: TrendingDown,
    to: "/finetunes/new",
    rule: "train",
  },
  {
    title: "Create",
    text: "Write a prompt with its trigger word; the images appear as they are made.",
    Icon: Sparkles,
    to: "/create",
    rule: "create",
  },
] as const;

/** What this is, in three cards, and the quickest way to see it work. */
export function FirstVisit({ isReady }: { isReady: boolean }) {
  const samples = useQuery(samplesQuery).data ?? [];
  const permissions = usePermissions();
  const { attempt, doing } = useTrySample();
  const first = samples.find(({ mode }) => mode === "character") ?? samples[0];
  return (
    <section className={classes.first} aria-label="How it works">
      <div className={classes.hero}>
        <div>
          <h1>Teach a FLUX model something new</h1>
          <p>
            From a handful of images, on this computer. With the sample images it takes a few minutes and
            needs no GPU and no key.
          </p>
          {!permissions.includes("train") && (
            <p className="dim">
              Nothing was shared with you yet. Datasets, finetunes and models of others appear here as soon as
              they are.
            </p>
          )}
          <May rule="train">
            <div className={classes.heroActions}>
              <Button
                variant="primary"
                size="lg"
                leftSection={<Play size={18} />}
                disabled={!first || !isReady || attempt.isPending}
                loading={attempt.isPending && attempt.variables === first?.name}
                onClick={() => first && attempt.mutate(first.name)}
              >
                Try it with the sample images
              </Button>
              <span className="dim small" role="status">
                {doing}
              </span>
            </div>
            {samples.length > 1 && (
              <p className={classes.others}>
                or with{" "}
                {samples
                  .filter((sample) => sample !== first)
                  .map((sample, index) => (
                    <span key={sample.name}>
                      {index > 0 && ", "}
                      <button
                        type="button"
                        disabled={attempt.isPending || !isReady}
                        onClick={() => attempt.mutate(sample.name)}
                      >
                        {sample.title}
                      </button>
                    </span>
                  ))}
              </p>
            )}
          </May>
        </div>
        <div className={classes.heroArt} aria-hidden>
          {samples.slice(0, 3).map((sample) => (
            <img key={sample.name} src={sample.cover_url} alt="" width={180} height={180} />
          ))}
        </div>
      </div>
      {attempt.isError && (
        <ErrorState
          error={attempt.error}
          retry={() => attempt.variables && attempt.mutate(attempt.variables)}
        />
      )}
      <ol className={classes.steps}>
        {STEPS.filter(({ rule }) => permissions.includes(rule)).map(({ title, text, Icon, to }, index) => (
          <li key={title}>
            <Link to={to} className={classes.step}>
              <span className={classes.stepHead}>
                <Icon size={20} strokeWidth={1.7} aria-hidden />
                <span className="dim num">{index + 1}</span>
              </span>
              <span className={classes.stepTitle}>{title}</span>
              <span className="dim">{text}</span>
            </Link>
          </li>
        ))}
      </ol>
    </section>
  );
}
