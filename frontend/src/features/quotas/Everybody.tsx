import { Button } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "@/api/call";
import { setCommonQuota, type Limits } from "@/api/generated";
import { quotasQuery } from "@/api/sharing";
import { Panel, Section } from "@/components/Page";
import { ErrorState } from "@/components/ProblemCard";
import { toastGood } from "@/components/undo";

import { LimitFields } from "./LimitFields";
import classes from "./Quotas.module.css";

/** What everybody may use who has no limits of their own. */
export function Everybody({ limits }: { limits: Limits }) {
  const client = useQueryClient();
  const [draft, setDraft] = useState<Limits | null>(null);
  const save = useMutation({
    mutationFn: (body: Limits) => call(setCommonQuota({ body })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: quotasQuery.queryKey });
      setDraft(null);
      toastGood("The limits are set.");
    },
  });
  return (
    <Section title="Everybody">
      <Panel className={classes.panel}>
        <form
          className={classes.form}
          aria-label="Limits of everybody"
          onSubmit={(event) => {
            event.preventDefault();
            if (draft) save.mutate(draft);
          }}
        >
          <LimitFields
            limits={draft ?? limits}
            placeholder="No limit"
            onChange={(name, value) => setDraft({ ...(draft ?? limits), [name]: value })}
          />
          <Button type="submit" variant="default" loading={save.isPending} disabled={draft === null}>
            Save
          </Button>
        </form>
        <p className="dim small">
          Holds for everyone but administrators and those with limits of their own. Days and months are UTC.
          What is over a limit already stays; nothing more is begun.
        </p>
        {save.error && <ErrorState error={save.error} />}
      </Panel>
    </Section>
  );
}
