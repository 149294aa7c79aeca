import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import type { SettingsChange } from "@/api/generated";
import { ago } from "@/components/format";
import { Loaded } from "@/components/Loaded";
import { Panel, Section } from "@/components/Page";
import { Badge } from "@/components/StateBadge";

import { changesQuery, useUndo } from "./queries";
import classes from "./Settings.module.css";
import { told } from "./values";

const KIND = { change: null, import: "Import", undo: "Undo" } as const;

function ChangeRow({ change }: { change: SettingsChange }) {
  const undo = useUndo();
  return (
    <li className={classes.change}>
      <div className={classes.grow}>
        <p className="dim small">
          {change.actor}, {ago(change.changed_at)} {KIND[change.kind] && <Badge>{KIND[change.kind]}</Badge>}
        </p>
        <ul>
          {change.changes.map(({ key, title, before, after }) => (
            <li key={key} className={classes.step}>
              <span title={key}>{title}</span>{" "}
              <span className="dim">
                {before === null ? "as usual" : told(before)} → {after === null ? "as usual" : told(after)}
              </span>
            </li>
          ))}
        </ul>
      </div>
      {change.undone_by === null ? (
        <Button
          variant="default"
          size="compact-sm"
          loading={undo.isPending}
          aria-label={`Undo change ${change.id}`}
          onClick={() => undo.mutate(change.id)}
        >
          Undo
        </Button>
      ) : (
        <Badge>Undone</Badge>
      )}
    </li>
  );
}

/** Who changed what; each change can be taken back as long as nothing was changed on top of it. */
export function Changes() {
  const changes = useQuery(changesQuery);
  return (
    <Section title="Changes">
      <Panel>
        <Loaded query={changes}>
          {(list) =>
            list.length ? (
              <ul className={classes.rows}>
                {list.map((change) => (
                  <ChangeRow key={change.id} change={change} />
                ))}
              </ul>
            ) : (
              <p className="dim small">
                Nothing was changed yet. Whatever is changed above is listed here, and can be undone.
              </p>
            )
          }
        </Loaded>
      </Panel>
    </Section>
  );
}
