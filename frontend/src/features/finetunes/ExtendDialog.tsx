import { Button, Modal, NumberInput } from "@mantine/core";
import { ChevronsRight } from "lucide-react";
import { useState } from "react";

import type { Finetune } from "@/api/generated";
import { fieldErrors } from "@/api/problem";
import { countOf, duration } from "@/components/format";
import { ErrorState } from "@/components/ProblemCard";

import { useRunActions } from "./actions";

/** Let a finished run go on: how many steps more, and what that takes. */
export function ExtendDialog({
  run,
  isOpen,
  onClose,
}: {
  run: Finetune;
  isOpen: boolean;
  onClose: () => void;
}) {
  const { extend } = useRunActions(run.id);
  const [typed, setTyped] = useState<number | "">(Math.max(1, Math.round(run.step / 2)));
  const steps = Number(typed);
  const message = fieldErrors(extend.error).steps;
  return (
    <Modal opened={isOpen} onClose={onClose} title="Extend this run">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (steps > 0) extend.mutate(steps, { onSuccess: onClose });
        }}
      >
        <NumberInput
          label="Further steps"
          description="It goes on from its last checkpoint with the same settings and images."
          data-autofocus
          value={typed}
          min={1}
          max={20_000}
          clampBehavior="none"
          allowDecimal={false}
          error={message}
          onChange={(next) => setTyped(next === "" ? "" : Number(next))}
        />
        {steps > 0 && (
          <p className="dim small num">
            It ends after {countOf(run.step + steps, "step")}
            {run.seconds_per_step ? `; training them takes ${duration(steps * run.seconds_per_step)}` : ""}.
            {run.model_id && " Its model then gets a new version; the present one stays."}
          </p>
        )}
        {run.recipe.schedule !== "constant" && (
          <p className="dim small">
            The learning rate goes on as if the run had been that long from the start: its{" "}
            {run.recipe.schedule} schedule is stretched to the new length, so the rate jumps where it goes on.
          </p>
        )}
        {extend.isError && !message && <ErrorState error={extend.error} />}
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <Button variant="quiet" onClick={onClose}>
            Not now
          </Button>
          <Button
            type="submit"
            variant="primary"
            leftSection={<ChevronsRight size={16} />}
            loading={extend.isPending}
            disabled={steps < 1}
          >
            Train on
          </Button>
        </div>
      </form>
    </Modal>
  );
}
