import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Download, RotateCcw, Save } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import type { Finetune } from "@/api/generated";
import { checkpointsQuery, logQuery, recipeTextQuery } from "@/api/queries";
import { CopyButton } from "@/components/CopyButton";
import { ago, bytes } from "@/components/format";
import { Loaded } from "@/components/Loaded";
import { May } from "@/components/may/May";

import { useRunActions } from "./actions";
import { useOffers } from "./offers";
import { RestartDialog } from "./RestartDialog";
import classes from "./Run.module.css";

export function Checkpoints({ run }: { run: Finetune }) {
  const query = useQuery(checkpointsQuery(run.id));
  const { act } = useRunActions(run.id);
  const { offers } = useOffers(run);
  const [restarting, setRestarting] = useState<number | null>(null);
  return (
    <section aria-label="Checkpoints" className={classes.panel}>
      <div className={classes.panelHead}>
        <h2>Checkpoints</h2>
        {run.state === "running" && offers("save") && (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<Save size={14} />}
            loading={act.isPending && act.variables === "save"}
            disabled={run.is_stopping}
            onClick={() => act.mutate("save")}
          >
            Save now
          </Button>
        )}
      </div>
      <RestartDialog run={run} step={restarting} onClose={() => setRestarting(null)} />
      <Loaded query={query} skeleton={<p className="dim small">Loading…</p>}>
        {(list) =>
          list.length === 0 ? (
            <p className="dim small">
              {run.server_id
                ? `Saved states stay at ${run.server_name}.`
                : "Saved states appear here. A run that is interrupted goes on from the last one."}
            </p>
          ) : (
            <ul className={classes.checkpoints}>
              {[...list]
                .sort((a, b) => b.step - a.step)
                .map(({ step, byte_count, file_url, created_at }) => (
                  <li key={step}>
                    <span>Step {step}</span>
                    <span className="dim">
                      {bytes(byte_count)} · {ago(created_at)}
                    </span>
                    <May rule="train">
                      <Tooltip label="Restart from here with changed settings">
                        <ActionIcon
                          size="sm"
                          aria-label={`Restart from step ${step}`}
                          onClick={() => setRestarting(step)}
                        >
                          <RotateCcw size={15} />
                        </ActionIcon>
                      </Tooltip>
                    </May>
                    <May rule="create">
                      <Tooltip label="Download the adapter">
                        <ActionIcon
                          component="a"
                          href={file_url}
                          download
                          size="sm"
                          aria-label={`Download checkpoint of step ${step}`}
                        >
                          <Download size={15} />
                        </ActionIcon>
                      </Tooltip>
                    </May>
                  </li>
                ))}
            </ul>
          )
        }
      </Loaded>
    </section>
  );
}

export function Log({ finetuneId }: { finetuneId: string }) {
  const query = useQuery(logQuery(finetuneId));
  const box = useRef<HTMLDivElement>(null);
  const count = query.data?.length ?? 0;
  useEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [count]);
  return (
    <Loaded query={query} skeleton={<p className="dim small">Loading…</p>}>
      {(lines) => (
        // A region that scrolls must be reachable by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <div className={classes.log} ref={box} role="log" aria-label="Log lines" tabIndex={0}>
          {lines.length === 0 && <p className="dim">Nothing has been said yet.</p>}
          {lines.map((line, index) => (
            <p key={index} data-level={line.level}>
              <time>{new Date(line.at).toLocaleTimeString("en-GB")}</time> {line.message}
            </p>
          ))}
        </div>
      )}
    </Loaded>
  );
}

/** The complete recipe document of this run, to read, copy or start again with. */
export function RecipeView({ run }: { run: Finetune }) {
  const query = useQuery(recipeTextQuery(run.id));
  return (
    <Loaded query={query} skeleton={<p className="dim small">Loading…</p>}>
      {(text) => (
        <div className={classes.recipe}>
          <pre className="mono">{text}</pre>
          <CopyButton value={text} label="Copy recipe" />
        </div>
      )}
    </Loaded>
  );
}
