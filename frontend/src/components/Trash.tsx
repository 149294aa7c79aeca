import { Button } from "@mantine/core";
import { Undo2 } from "lucide-react";
import { useState } from "react";

import { ago } from "./format";
import { Fold } from "./schema-form/SchemaForm";
import { toastProblem } from "./undo";

interface TrashProps {
  items: { id: string; name: string; deleted_at: string | null }[];
  restore: (id: string) => Promise<unknown>;
}

/** What was deleted in the last 30 days, and the way back. */
export function Trash({ items, restore }: TrashProps) {
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
              <span className="dim small">{deleted_at && `deleted ${ago(deleted_at)}`}</span>
              <Button
                size="compact-sm"
                variant="default"
                leftSection={<Undo2 size={14} />}
                loading={busy === id}
                onClick={() => void bring(id)}
                aria-label={`Restore ${name}`}
              >
                Restore
              </Button>
            </li>
          ))}
        </ul>
      </Fold>
    </section>
  );
}
