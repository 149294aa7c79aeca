import { Button, Modal } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { call } from "@/api/call";
import { startCleaning, type CleaningOffer, type Room } from "@/api/generated";
import { activeJobsQuery } from "@/api/queries";
import { focusWhenLost } from "@/components/focus";
import { countOf, diskBytes } from "@/components/format";
import { Panel, Section } from "@/components/Page";
import { toastGood, toastProblem } from "@/components/undo";

import classes from "./Storage.module.css";
import { CLEANINGS } from "./words";

const sizeOf = ({ byte_count }: CleaningOffer) =>
  byte_count ? `at least ${diskBytes(byte_count)}` : "little room";

function Offer({ offer, isBusy }: { offer: CleaningOffer; isBusy: boolean }) {
  const client = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const words = CLEANINGS[offer.what];
  const clean = useMutation({
    mutationFn: () => call(startCleaning({ body: { what: offer.what } })),
    onSuccess: () => {
      setAsking(false);
      toastGood("It is being removed; the activity list shows when it is done.");
      return client.invalidateQueries({ queryKey: ["jobs"] });
    },
    onError: toastProblem,
  });
  return (
    <li className={`${classes.row} ${classes.offer}`}>
      <div className={classes.facts}>
        <p className={classes.name}>
          {countOf(offer.count, words.one)}, {sizeOf(offer)}
        </p>
        <p className="dim small">{words.text}</p>
      </div>
      <Button size="compact-sm" variant="default" disabled={isBusy} onClick={() => setAsking(true)}>
        {words.title}
      </Button>
      <Modal
        opened={isAsking}
        onClose={() => setAsking(false)}
        title={`${words.title}?`}
        onExitTransitionEnd={focusWhenLost}
      >
        <div className="stack">
          <p>
            {countOf(offer.count, words.one)}, {sizeOf(offer)}. {words.ask} There is no undo.
          </p>
          <Button variant="primary" loading={clean.isPending} onClick={() => clean.mutate()}>
            {words.title}
          </Button>
        </div>
      </Modal>
    </li>
  );
}

/** What can be cleaned now. */
export function Offers({ room }: { room: Room }) {
  const jobs = useQuery(activeJobsQuery).data ?? [];
  const isBusy = jobs.some(({ kind }) => kind === "cleaning");
  return (
    <Section title="Make room">
      <Panel>
        {room.offers.length ? (
          <ul className={classes.rows}>
            {room.offers.map((offer) => (
              <Offer key={offer.what} offer={offer} isBusy={isBusy} />
            ))}
          </ul>
        ) : (
          <p className="dim small">Nothing to clean: all that is here is in use.</p>
        )}
      </Panel>
    </Section>
  );
}

const after = (days: number, what: string) =>
  days ? `after ${countOf(days, "day")}` : `never: ${what} by hand only`;

/** What goes by itself, and when. */
export function Rules({ room }: { room: Room }) {
  return (
    <Section title="What goes by itself" aside={<Link to="/system/settings">Change</Link>}>
      <Panel>
        <dl className="facts">
          <dt>Trash</dt>
          <dd>{after(room.trash_days, "emptied")}</dd>
          <dt>Early checkpoints</dt>
          <dd>{after(room.checkpoint_days, "removed")}</dd>
          <dt>Early samples</dt>
          <dd>{after(room.sample_days, "removed")}</dd>
          <dt>Measurements of probes</dt>
          <dd>{room.probe_days ? after(room.probe_days, "") : "never"}</dd>
        </dl>
      </Panel>
    </Section>
  );
}
