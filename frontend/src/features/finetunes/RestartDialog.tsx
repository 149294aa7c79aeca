import { Button, Modal, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Play } from "lucide-react";
import { useState } from "react";

import type { Finetune } from "@/api/generated";
import { fieldErrors } from "@/api/problem";
import { recipeSchemaQuery } from "@/api/queries";
import { ErrorState } from "@/components/ProblemCard";
import { SchemaForm } from "@/components/schema-form/SchemaForm";

import { useRunActions } from "./actions";

/** What gives a checkpoint its shape can't be changed when going on from it. */
const FIXED = ["method", "rank", "target_layers"];

/** A new finetune from a checkpoint of this one, with other settings where wanted. */
export function RestartDialog({
  run,
  step,
  onClose,
}: {
  run: Finetune;
  step: number | null;
  onClose: () => void;
}) {
  return (
    <Modal opened={step !== null} onClose={onClose} size="lg" title={`Restart from step ${step ?? ""}`}>
      {step !== null && <RestartForm run={run} step={step} onClose={onClose} />}
    </Modal>
  );
}

function RestartForm({ run, step, onClose }: { run: Finetune; step: number; onClose: () => void }) {
  const navigate = useNavigate();
  const schema = useQuery(recipeSchemaQuery).data;
  const { restart } = useRunActions(run.id);
  const [name, setName] = useState("");
  const [recipe, setRecipe] = useState<Record<string, unknown>>({});
  const steps = Number(recipe.steps ?? run.recipe.steps);
  const errors = fieldErrors(restart.error);
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        restart.mutate(
          { step, recipe, ...(name.trim() ? { name: name.trim() } : {}) },
          {
            onSuccess: (child) => {
              onClose();
              void navigate({ to: "/finetunes/$finetuneId", params: { finetuneId: child.id } });
            },
          },
        );
      }}
    >
      <p className="dim small">
        A new finetune goes on from what this one knew at step {step}, on the same images. This run stays as
        it is.
      </p>
      <TextInput
        label="Name"
        placeholder={`${run.name} from ${step}`}
        value={name}
        maxLength={120}
        data-autofocus
        onChange={(event) => setName(event.currentTarget.value)}
      />
      {schema && (
        <SchemaForm
          schema={schema}
          values={recipe}
          usual={run.recipe as Record<string, unknown>}
          errors={errors}
          except={FIXED}
          onChange={setRecipe}
        />
      )}
      <p className="dim small num">
        {steps > step
          ? `It trains from step ${step} to step ${steps}.`
          : `Set Steps to more than ${step}: that many are behind it already.`}
      </p>
      {restart.isError && <ErrorState error={restart.error} />}
      <div className="row" style={{ justifyContent: "flex-end" }}>
        <Button variant="quiet" onClick={onClose}>
          Not now
        </Button>
        <Button
          type="submit"
          variant="primary"
          leftSection={<Play size={16} />}
          loading={restart.isPending}
          disabled={steps <= step}
        >
          Start from step {step}
        </Button>
      </div>
    </form>
  );
}
