import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Undo2 } from "lucide-react";
import { useState } from "react";

import { systemQuery } from "@/api/queries";

import type { SharedKind } from "@/api/sharing";

import { ago } from "./format";
import { useStanding } from "./may/May";
import { Fold } from "./schema-form/SchemaForm";
import { toastProblem } from "./undo";

interface TrashProps {
  kind: SharedKind;
  items: { id: string; name: string; deleted_at: string | null }[];
  restore: (id: string) => Promise<unknown>;
}

/** How long a deleted thing can still be restored, in words; nothing where that is for ever. */
export function untilGone(deletedAt: string, keepDays: number, at = Date.now()): string {
  if (keepDays === 0) return "";
  const days = Math.ceil(keepDays - (at - Date.parse(deletedAt)) / 86_400_000);
  if (days < 1) return ", about to go for good";
  return `, goes for good in ${days} ${days === 1 ? "day" : "days"}`;
}

interface RestoreProps {
  kind: SharedKind;
  id: string;
  name: string;
  isBusy: boolean;
  onClick: () => void;
}

function Restore({ kind, id, name, isBusy, onClick }: RestoreProps) {
  if (!useStanding(kind, id).may) return null;
  return (
    <Button
      size="compact-sm"
      variant="default"
      leftSection={<Undo2 size={14} />}
      loading={isBusy}
      onClick={onClick}
      aria-label={`Restore ${name}`}
    >
      Restore
    </Button>
  );
}

/** What was deleted and can be restored, for how long, and the way back. */
export function Trash({ kind, items, restore }: TrashProps) {
  const keepDays = useQuery(systemQuery).data?.trash_keep_days ?? 0;
  const [busy, setBusy] = useState<string | null>(null);
  if (items.length === 0) return null;
  const bring = async (id: string) => {
    setBusy(id);
    await restore(id).catch(toastProblem);
    setBusy(null);
  };
  return (
    <section aria-label="Trash" style={{ marginTop: 40 }}>
      <Fold title={`Trash (${items.length})`}>
        <ul className="stack" style={{ gap: 4 }}>
          {items.map(({ id, name, deleted_at }) => (
            <li key={id} className="row" style={{ minHeight: 40, borderBottom: "1px solid var(--line)" }}>
              <span className="clip" style={{ flex: 1 }}>
                {name}
              </span>
              <span className="dim small">
                {deleted_at && `deleted ${ago(deleted_at)}${untilGone(deleted_at, keepDays)}`}
              </span>
              <Restore kind={kind} id={id} name={name} isBusy={busy === id} onClick={() => void bring(id)} />
            </li>
          ))}
        </ul>
      </Fold>
    </section>
  );
}
