import { ActionIcon, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useEffect, useRef } from "react";

import type { Finetune } from "@/api/generated";
import { checkpointsQuery, logQuery } from "@/api/queries";
import { CopyButton } from "@/components/CopyButton";
import { ago, bytes } from "@/components/format";
import { Loaded } from "@/components/Loaded";

import classes from "./Run.module.css";

export function Checkpoints({ finetuneId }: { finetuneId: string }) {
  const query = useQuery(checkpointsQuery(finetuneId));
  return (
    <section aria-label="Checkpoints" className={classes.panel}>
      <h2>Checkpoints</h2>
      <Loaded query={query} skeleton={<p className="dim small">Loading…</p>}>
        {(list) =>
          list.length === 0 ? (
            <p className="dim small">
              Saved states appear here. A run that is interrupted goes on from the last one.
            </p>
          ) : (
            <ul className={classes.checkpoints}>
              {[...list].reverse().map(({ step, byte_count, file_url, created_at }) => (
                <li key={step}>
                  <span>Step {step}</span>
                  <span className="dim">
                    {bytes(byte_count)} · {ago(created_at)}
                  </span>
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

/** Every setting this run uses, to read or copy. */
export function RecipeView({ run }: { run: Finetune }) {
  const text = Object.entries(run.recipe)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join("\n");
  return (
    <div className={classes.recipe}>
      <pre className="mono">{text}</pre>
      <CopyButton value={text} label="Copy recipe" />
    </div>
  );
}
