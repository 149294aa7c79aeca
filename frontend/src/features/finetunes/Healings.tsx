import { useQuery } from "@tanstack/react-query";
import { HeartPulse } from "lucide-react";

import type { Finetune } from "@/api/generated";
import { recipeSchemaQuery } from "@/api/queries";
import { ago } from "@/components/format";

import { changeWords, titlesOf } from "./healing";
import classes from "./Run.module.css";

/** Troubles the run got over by itself: what happened, what was changed, where it went on. */
export function Healings({ run }: { run: Finetune }) {
  const titles = titlesOf(useQuery({ ...recipeSchemaQuery, enabled: run.healings.length > 0 }).data);
  if (run.healings.length === 0) return null;
  return (
    <section aria-label="Healed by itself" className={classes.healed}>
      <h2>
        <HeartPulse size={16} aria-hidden /> Healed by itself
      </h2>
      <ul>
        {run.healings.map((healing) => (
          <li key={`${healing.at} ${healing.step}`}>
            <p>{healing.message}</p>
            <p className="small num">
              {changeWords(healing.changes, titles).map((words) => (
                <span key={words} className={classes.change}>
                  {words}
                </span>
              ))}
              <span className="dim">
                At step {healing.step}, went on from{" "}
                {healing.goes_on_from ? `step ${healing.goes_on_from}` : "the beginning"} · {ago(healing.at)}
              </span>
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}
