import type { Health, HealthReport } from "@/api/generated";
import { Picture } from "@/components/Picture";
import { Fold } from "@/components/schema-form/SchemaForm";

import classes from "./Health.module.css";

/** Samples beside the training image each is nearest to, for the recommended checkpoint. */
export function Copies({ health, report }: { health: Health; report: HealthReport }) {
  const checkpoints = report.checkpoints ?? [];
  const chosen = checkpoints.find(({ step }) => step === report.recommendation?.step) ?? checkpoints.at(-1);
  const pairs = (chosen?.nearest ?? []).flatMap((near) => {
    const sample = health.images[near.file];
    const training = health.training_images[near.training_index];
    return sample && training ? [{ near, sample, training }] : [];
  });
  if (!chosen || pairs.length === 0) return null;
  const copies = pairs.filter(({ near }) => near.is_copy).length;
  return (
    <Fold title="Nearest training images" note={copies ? `${copies} too near` : `step ${chosen.step}`}>
      <ul className={classes.pairs}>
        {pairs.map(({ near, sample, training }) => (
          <li key={near.file} className={classes.pair}>
            <Picture image={sample} alt={`Drawn: ${near.prompt}`} fit="square" show={160} />
            <Picture image={training} alt="The nearest training image" fit="square" show={160} />
            <p className="dim">
              Drawn · trained. Distance {near.distance.toFixed(2)}
              {near.is_copy && <strong className="warn"> – nearly a copy</strong>}
            </p>
          </li>
        ))}
      </ul>
    </Fold>
  );
}
