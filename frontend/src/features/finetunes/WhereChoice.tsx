import { Radio, SegmentedControl } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { TriangleAlert } from "lucide-react";

import type { BaseEntry, Server } from "@/api/generated";
import { useMay } from "@/api/session";
import { ChoiceCard } from "@/components/ChoiceCard";

import { BaseChoice } from "./BaseChoice";
import type { Draft } from "./draft";
import classes from "./NewFinetune.module.css";

const HERE = "here";

/** The base a server trains when nobody chooses; nothing where it does not name its bases. */
export const usualBase = (server: Server | undefined) => {
  const bases = server?.bases.filter(({ is_trainable }) => is_trainable) ?? [];
  return (bases.find(({ is_usual }) => is_usual) ?? bases[0])?.name ?? "";
};

function BasesThere({
  server,
  draft,
  onChange,
}: {
  server: Server;
  draft: Draft;
  onChange: (base: string) => void;
}) {
  const bases = server.bases.filter(({ is_trainable }) => is_trainable);
  return (
    <>
      {server.problem && (
        <p className={classes.warning} role="status">
          <TriangleAlert size={15} aria-hidden /> {server.name} did not answer when it was asked last. What is
          started waits until it does.
        </p>
      )}
      {bases.length === 0 ? (
        <p className="dim small">{server.name} does not name its bases; it takes its usual one.</p>
      ) : (
        <Radio.Group
          value={draft.base}
          onChange={onChange}
          role="group"
          aria-label={`Bases of ${server.name}`}
        >
          <div className={classes.choices} data-columns={Math.min(3, bases.length)}>
            {bases.map((base) => (
              <ChoiceCard
                key={base.name}
                value={base.name}
                title={base.title}
                note={<span className="dim">{base.licence}</span>}
              >
                {base.description}
              </ChoiceCard>
            ))}
          </div>
        </Radio.Group>
      )}
    </>
  );
}

interface WhereChoiceProps {
  servers: Server[];
  bases: BaseEntry[];
  draft: Draft;
  onChange: (change: Partial<Draft>) => void;
}

/** Where to train: this computer or a server, and which base there. */
export function WhereChoice({ servers, bases, draft, onChange }: WhereChoiceProps) {
  const isAdministrator = useMay("administer");
  const server = servers.find(({ id }) => id === draft.server_id);
  return (
    <div className="stack" style={{ gap: 12 }}>
      {servers.length > 0 && (
        <SegmentedControl
          aria-label="Which computer"
          style={{ alignSelf: "flex-start", maxWidth: "100%" }}
          value={server?.id ?? HERE}
          onChange={(id) => {
            const chosen = servers.find((each) => each.id === id);
            onChange({ server_id: chosen?.id ?? "", base: chosen ? usualBase(chosen) : "pocket" });
          }}
          data={[
            { value: HERE, label: "This computer" },
            ...servers.map(({ id, name }) => ({ value: id, label: name })),
          ]}
        />
      )}
      {server ? (
        <BasesThere server={server} draft={draft} onChange={(base) => onChange({ base })} />
      ) : (
        <BaseChoice bases={bases} draft={draft} onChange={(base) => onChange({ base })} />
      )}
      {servers.length === 0 && isAdministrator && (
        <p className="dim small">
          Too much for this computer? <Link to="/system/servers">Add another one</Link> that trains for it.
        </p>
      )}
    </div>
  );
}
