import { Button, NumberInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "@/api/call";
import { setHostedBudget, type Budget, type HostedStatus } from "@/api/generated";
import { forgetHosted } from "@/api/hosted";
import { dollars } from "@/components/hosted/money";
import { Meter } from "@/components/Meter";
import { Panel, Section } from "@/components/Page";
import { ErrorState } from "@/components/ProblemCard";
import { toastGood } from "@/components/undo";

import classes from "./Hosted.module.css";

const LIMITS = [
  { name: "per_request", label: "One request" },
  { name: "per_day", label: "A day" },
  { name: "per_month", label: "A month" },
] as const;

function Spent({ label, spent, limit }: { label: string; spent: number; limit: number | null | undefined }) {
  const text = limit == null ? dollars(spent) : `${dollars(spent)} of ${dollars(limit)}`;
  return (
    <div className={classes.spent}>
      <p className={classes.line}>
        <span className="dim">{label}</span>
        <span className="num">{text}</span>
      </p>
      {limit != null && <Meter label={label} value={Math.min(spent, limit)} total={limit || 1} text={text} />}
    </div>
  );
}

/** Limits are typed in dollars and kept in credits. */
export function BudgetForm({ status }: { status: HostedStatus }) {
  const client = useQueryClient();
  const [draft, setDraft] = useState<Budget | null>(null);
  const budget = draft ?? status.budget;
  const save = useMutation({
    mutationFn: (body: Budget) => call(setHostedBudget({ body })),
    onSuccess: async () => {
      await forgetHosted(client);
      setDraft(null);
      toastGood("The budget is set.");
    },
  });
  return (
    <Section title="Budget">
      <Panel className={classes.panel}>
        <Spent label="Spent today" spent={status.spent_today} limit={status.budget.per_day} />
        <Spent label="Spent this month" spent={status.spent_this_month} limit={status.budget.per_month} />
        <form
          className={classes.form}
          aria-label="Budget"
          onSubmit={(event) => {
            event.preventDefault();
            save.mutate(budget);
          }}
        >
          {LIMITS.map(({ name, label }) => (
            <NumberInput
              key={name}
              label={label}
              placeholder="No limit"
              prefix="$"
              min={0}
              decimalScale={3}
              hideControls
              value={budget[name] == null ? "" : budget[name] / 100}
              onChange={(value) => setDraft({ ...budget, [name]: value === "" ? null : Number(value) * 100 })}
            />
          ))}
          <Button type="submit" variant="default" loading={save.isPending} disabled={draft === null}>
            Save
          </Button>
        </form>
        <p className="dim small">Nothing is sent that would pass a limit. Days and months are UTC.</p>
        {save.error && <ErrorState error={save.error} />}
      </Panel>
    </Section>
  );
}
