import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Sparkles } from "lucide-react";

import type { Health, HealthReport, Recommendation } from "@/api/generated";
import { modelQuery } from "@/api/queries";
import { Fold } from "@/components/schema-form/SchemaForm";
import { Badge } from "@/components/StateBadge";

import { Copies } from "./Copies";
import classes from "./Health.module.css";
import { Measures } from "./Measures";
import { Sheet } from "./Sheet";
import { VERDICTS } from "./words";

/** "Use it" opens Create with the version and strength that were recommended. */
function Recommended({
  what,
  modelId,
  finetuneId,
}: {
  what: Recommendation;
  modelId: string | null;
  finetuneId: string;
}) {
  const navigate = useNavigate();
  const model = useQuery(modelQuery(modelId ?? "")).data;
  const version = model?.versions.find(({ step }) => step === what.step);
  return (
    <div className={classes.advice}>
      <div>
        <strong className="num">
          Step {what.step} at strength {what.strength}
        </strong>
        {what.reasons.length === 0 ? (
          <p>{what.text}</p>
        ) : (
          <ul className={classes.list}>
            {what.reasons.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        )}
        {model && !version && (
          <p className="small">
            This checkpoint is not a version of the model: its last step is. Download the checkpoint to use it
            elsewhere, or restart from it to make a model of it.
          </p>
        )}
      </div>
      {model && version && (
        <Button
          variant="primary"
          leftSection={<Sparkles size={16} />}
          onClick={() =>
            void navigate({
              to: "/create",
              search: {
                model: model.id,
                prompt: model.prompts[0],
                version: version.id,
                strength: what.strength,
              },
            })
          }
        >
          Use it
        </Button>
      )}
      {model && !version && (
        <Button
          component="a"
          variant="default"
          download
          href={`/api/finetunes/${finetuneId}/checkpoints/${what.step}/file`}
        >
          Download step {what.step}
        </Button>
      )}
    </div>
  );
}

/** Verdict, recommendation, measures, sheet; how it was measured folds out. */
export function Report({
  health,
  report,
  modelId,
}: {
  health: Health;
  report: HealthReport;
  modelId: string | null;
}) {
  const verdict = report.verdict ? VERDICTS[report.verdict] : null;
  const advice = (report.advice ?? []).filter(({ kind }) => kind !== "none");
  return (
    <>
      <div className="row" style={{ alignItems: "baseline" }}>
        {verdict && <Badge tone={verdict.tone}>{verdict.word}</Badge>}
        <p style={{ flex: "1 1 240px" }}>{report.summary}</p>
      </div>
      {report.recommendation && (
        <Recommended what={report.recommendation} modelId={modelId} finetuneId={health.finetune_id} />
      )}
      {advice.length > 0 && (
        <ul className={classes.list} aria-label="Advice">
          {advice.map(({ kind, text }) => (
            <li key={kind}>{text}</li>
          ))}
        </ul>
      )}
      <Measures report={report} />
      {report.sheet && <Sheet sheet={report.sheet} images={health.images} chosen={report.recommendation} />}
      <Copies health={health} report={report} />
      <Fold title="How it was measured">
        <dl className={classes.methods}>
          {report.methods.map((method) => (
            <div key={method.name}>
              <dt>{method.title}</dt>
              <dd>{method.text}</dd>
            </div>
          ))}
          <dt>Compared by {report.features.name}</dt>
          <dd>{report.features.text}</dd>
        </dl>
      </Fold>
    </>
  );
}
