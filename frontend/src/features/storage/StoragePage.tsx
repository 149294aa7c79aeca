import { Button, Progress } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { RotateCw } from "lucide-react";

import type { Room, RoomThing } from "@/api/generated";
import { measureStorage, storageQuery } from "@/api/storage";
import { ago, countOf, diskBytes } from "@/components/format";
import { Loaded } from "@/components/Loaded";
import { Page, Panel, Section } from "@/components/Page";
import { toastProblem } from "@/components/undo";

import { Offers, Rules } from "./Offers";
import classes from "./Storage.module.css";
import { KINDS } from "./words";

const colourOf = (name: string) => `var(--mantine-color-${name.replace(".", "-")})`;

/** All of it in one bar, then each kind with its size. */
function Parts({ room }: { room: Room }) {
  const { byte_count, disk_free_bytes, disk_total_bytes, parts } = room;
  return (
    <Panel className="stack">
      <div className={classes.sum}>
        <p className={classes.total}>{diskBytes(byte_count)}</p>
        <p className="dim small">
          {diskBytes(disk_free_bytes)} of {diskBytes(disk_total_bytes)} free on the disk · measured{" "}
          {ago(room.measured_at)}
        </p>
      </div>
      <Progress.Root size={12} radius="sm" aria-hidden>
        {parts.map(({ kind, byte_count: size }) => (
          <Progress.Section
            key={kind}
            value={byte_count ? (100 * size) / byte_count : 0}
            color={colourOf(KINDS[kind].colour)}
            withAria={false}
            className={classes.part}
          />
        ))}
      </Progress.Root>
      <ul className={classes.rows}>
        {parts.map(({ kind, byte_count: size, count }) => {
          const words = KINDS[kind];
          return (
            <li key={kind} className={classes.row}>
              <span className={classes.swatch} style={{ background: colourOf(words.colour) }} aria-hidden />
              <div className={classes.facts}>
                <p className={classes.name}>{words.title}</p>
                <p className="dim small">
                  {words.note}
                  {words.one && count > 0 && ` · ${countOf(count, words.one)}`}
                </p>
              </div>
              <span className={classes.size}>{diskBytes(size)}</span>
            </li>
          );
        })}
      </ul>
      <p className="dim small">
        Everything is kept in <span className={`mono ${classes.path}`}>{room.data_dir}</span>
      </p>
    </Panel>
  );
}

const WORDS = { dataset: "Dataset", finetune: "Finetune", model: "Model" } as const;

function Name({ thing }: { thing: RoomThing }) {
  if (thing.kind === "dataset")
    return (
      <Link to="/datasets/$datasetId" params={{ datasetId: thing.id }}>
        {thing.name}
      </Link>
    );
  if (thing.kind === "model")
    return (
      <Link to="/models/$modelId" params={{ modelId: thing.id }}>
        {thing.name}
      </Link>
    );
  return (
    <Link to="/finetunes/$finetuneId" params={{ finetuneId: thing.id }}>
      {thing.name}
    </Link>
  );
}

/** What takes the most room, one by one. */
function Largest({ things }: { things: RoomThing[] }) {
  return (
    <Section title="Largest">
      <Panel>
        {things.length ? (
          <ul className={classes.rows}>
            {things.map((thing) => (
              <li key={`${thing.kind}-${thing.id}`} className={classes.row}>
                <div className={classes.facts}>
                  <p className={classes.name}>
                    <Name thing={thing} />
                  </p>
                  <p className="dim small">
                    {WORDS[thing.kind]}
                    {thing.is_deleted && " · in the trash"}
                  </p>
                </div>
                <span className={classes.size}>{diskBytes(thing.byte_count)}</span>
              </li>
            ))}
          </ul>
        ) : (
          <p className="dim small">No datasets, finetunes or models yet.</p>
        )}
      </Panel>
    </Section>
  );
}

/** What takes room, what can be cleaned, and what goes by itself. */
export function StoragePage() {
  const client = useQueryClient();
  const room = useQuery(storageQuery);
  const measure = useMutation({ mutationFn: () => measureStorage(client), onError: toastProblem });
  return (
    <Page
      title="Storage"
      sub="What takes room, by kind and by thing."
      actions={
        <Button
          variant="default"
          leftSection={<RotateCw size={16} />}
          loading={measure.isPending}
          onClick={() => measure.mutate()}
        >
          Measure again
        </Button>
      }
    >
      <Loaded query={room}>
        {(found) => (
          <div className={classes.layout}>
            <div className="stack" style={{ gap: 24 }}>
              <Parts room={found} />
              <Largest things={found.things} />
            </div>
            <div className="stack" style={{ gap: 24 }}>
              <Offers room={found} />
              <Rules room={found} />
            </div>
          </div>
        )}
      </Loaded>
    </Page>
  );
}
