import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Sparkles } from "lucide-react";

import { call } from "@/api/call";
import {
  keepFinetuneCheckpoint,
  type Health,
  type HealthReport,
  type Model,
  type Recommendation,
} from "@/api/generated";
import { modelQuery } from "@/api/queries";
import { Fold } from "@/components/schema-form/SchemaForm";
import { Badge } from "@/components/StateBadge";
import { toastProblem } from "@/components/undo";

import { Copies } from "./Copies";
import { May } from "@/components/may/May";

import classes from "./Health.module.css";
import { Measures } from "./Measures";
import { Sheet } from "./Sheet";
import { VERDICTS } from "./words";

/** "Use step …" opens Create with the version and strength that were recommended; a checkpoint becomes a version first. */
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
  const client = useQueryClient();
  const model = useQuery(modelQuery(modelId ?? "")).data;
  const isVersion = model?.versions.some(({ step }) => step === what.step);
  const use = useMutation({
    mutationFn: async (known: Model) =>
      isVersion
        ? known
        : await call(keepFinetuneCheckpoint({ path: { finetune_id: finetuneId, step: what.step } })),
    onSuccess: async (kept) => {
      client.setQueryData(modelQuery(kept.id).queryKey, kept);
      // Create looks for the version in this list; it must be there when it does.
      if (!isVersion) await client.invalidateQueries({ queryKey: ["models"], refetchType: "all" });
      const version = kept.versions.find(({ step }) => step === what.step)?.id;
      await navigate({
        to: "/create",
        search: { model: kept.id, prompt: kept.prompts[0], version, strength: what.strength },
      });
    },
    onError: toastProblem,
  });
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
        {model && !isVersion && (
          <p className="small">
            Using it makes this checkpoint a version of the model, beside its last step.
          </p>
        )}
      </div>
      {model && (
        <May>
          <Button
            variant="default"
            leftSection={<Sparkles size={16} />}
            loading={use.isPending}
            onClick={() => use.mutate(model)}
          >
            Use step {what.step}
          </Button>
        </May>
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
