import { Button, Modal } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "@/api/call";
import { retryGeneration } from "@/api/generated";
import { ago, countOf } from "@/components/format";
import { Panel, Section } from "@/components/Page";
import { toastGood, toastProblem } from "@/components/undo";

import classes from "./Hosted.module.css";
import { dollars, groupOwed, type Owed } from "./money";
import { forgetHosted, owedQuery } from "./queries";

function Entry({ owed }: { owed: Owed }) {
  const client = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const retry = useMutation({
    mutationFn: (sendAgain: boolean) =>
      call(retryGeneration({ path: { generation_id: owed.generationId }, body: { send_again: sendAgain } })),
    onSuccess: () => {
      setAsking(false);
      toastGood("On its way; Create shows how far it is.");
      void client.invalidateQueries({ queryKey: ["generations"] });
      return forgetHosted(client);
    },
    onError: toastProblem,
  });
  return (
    <li className={classes.row}>
      <div className={classes.grow}>
        <p className={classes.strong}>
          {countOf(owed.images, "image")} of {owed.model} ·{" "}
          <span className="num">{dollars(owed.credits)}</span>
        </p>
        <p className="dim small">
          {ago(owed.askedAt)}
          {owed.why && ` · ${owed.why}`}
        </p>
      </div>
      {owed.canFetch && (
        <Button size="compact-sm" loading={retry.isPending} onClick={() => retry.mutate(false)}>
          Fetch
        </Button>
      )}
      {owed.isUnknown && (
        <Button size="compact-sm" variant="default" onClick={() => setAsking(true)}>
          Send again…
        </Button>
      )}
      <Modal opened={isAsking} onClose={() => setAsking(false)} title="Pay once more?">
        <div className={classes.panel}>
          <p>
            Nobody knows whether BFL accepted these requests. If it did, they were charged, and sending them
            again is charged once more. BFL’s dashboard shows what was charged.
          </p>
          <Button
            variant="primary"
            loading={retry.isPending}
            onClick={() => retry.mutate(true)}
            style={{ alignSelf: "flex-end" }}
          >
            Send again
          </Button>
        </div>
      </Modal>
    </li>
  );
}

/** Shown only when there is something. */
export function NotDelivered() {
  const owed = groupOwed(useQuery(owedQuery).data?.lines ?? []);
  if (!owed.length) return null;
  return (
    <Section title="Paid, not delivered">
      <Panel className={classes.panel}>
        <ul className={classes.rows}>
          {owed.map((each) => (
            <Entry key={each.generationId} owed={each} />
          ))}
        </ul>
      </Panel>
    </Section>
  );
}
