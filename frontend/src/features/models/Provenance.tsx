import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { Model } from "@/api/generated";
import { datasetQuery, finetuneQuery } from "@/api/queries";
import { CopyButton } from "@/components/CopyButton";
import { duration } from "@/components/format";
import { Fold } from "@/components/schema-form/SchemaForm";

import classes from "./Models.module.css";

const USE = { yes: "Yes", no: "No", unknown: "Not clear" };

/** How it was made, enough to make it again. */
export function Provenance({ model }: { model: Model }) {
  const finetune = useQuery(finetuneQuery(model.finetune_id ?? "")).data;
  const dataset = useQuery(datasetQuery(model.dataset_id ?? "")).data;
  const origin = model.provenance;
  // Kept with the model, also when its finetune is gone; older models have the finetune alone.
  const { training } = model;
  const values = training?.recipe ?? finetune?.recipe;
  const recipe =
    values &&
    Object.entries(values)
      .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
      .join("\n");
  return (
    <section aria-label="How it was made" className={classes.panel}>
      <h2>How it was made</h2>
      <dl className="facts">
        {(dataset || finetune || training) && (
          <>
            <dt>Dataset</dt>
            <dd>
              {dataset ? (
                <Link to="/datasets/$datasetId" params={{ datasetId: dataset.id }}>
                  {dataset.name}
                </Link>
              ) : (
                (training?.dataset_name ?? finetune?.dataset_name)
              )}
            </dd>
          </>
        )}
        {finetune && (
          <>
            <dt>Run</dt>
            <dd>
              <Link to="/finetunes/$finetuneId" params={{ finetuneId: finetune.id }}>
                {finetune.name}
              </Link>
            </dd>
            <dt>Steps</dt>
            <dd>{finetune.step}</dd>
          </>
        )}
        {(training || finetune) && (
          <>
            <dt>Images</dt>
            <dd>{training?.image_count ?? finetune?.image_count}</dd>
            <dt>Seed</dt>
            <dd>{training?.seed ?? finetune?.recipe.seed}</dd>
            <dt>Snapshot</dt>
            <dd className="mono">{(training?.snapshot_hash ?? finetune?.snapshot_hash)?.slice(0, 12)}</dd>
          </>
        )}
        {training && (
          <>
            <dt>Cost</dt>
            <dd>
              {training.seconds !== null && `${duration(training.seconds)} on `}
              {training.device}
            </dd>
            <dt>Engine</dt>
            <dd>
              {Object.entries(training.engine)
                .map(([name, version]) => `${name} ${version}`)
                .join(", ")}
            </dd>
          </>
        )}
        {origin && (
          <>
            <dt>Imported from</dt>
            <dd style={{ overflowWrap: "anywhere" }}>{origin.file}</dd>
            <dt>Layout</dt>
            <dd>{origin.layout_title}</dd>
            <dt>Rank</dt>
            <dd>
              {origin.rank}
              {origin.scale !== null && origin.scale !== 1 && `, scale ${Number(origin.scale.toFixed(3))}`}
            </dd>
            {origin.author && (
              <>
                <dt>Author</dt>
                <dd>{origin.author}</dd>
              </>
            )}
          </>
        )}
        <dt>Base</dt>
        <dd>
          {model.is_ready ? (
            <Link to="/models/$modelId" params={{ modelId: model.base }}>
              {model.base}
            </Link>
          ) : (
            model.base
          )}
        </dd>
        <dt>Licence</dt>
        <dd>{model.licence || "–"}</dd>
        <dt>Commercial use</dt>
        <dd>
          <strong>{USE[model.commercial_use.answer]}</strong>, because: {model.commercial_use.because}
        </dd>
      </dl>
      {origin?.notes.map((note) => (
        <p key={note} className="dim small">
          {note}
        </p>
      ))}
      {recipe && (
        <Fold title="Recipe">
          <div className={classes.recipe}>
            <pre className="mono">{recipe}</pre>
            <CopyButton value={recipe} label="Copy recipe" />
          </div>
        </Fold>
      )}
    </section>
  );
}
