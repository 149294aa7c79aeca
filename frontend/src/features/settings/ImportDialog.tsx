import { Button, FileButton, Modal } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Upload } from "lucide-react";
import { useState } from "react";

import { call } from "@/api/call";
import { importSettings } from "@/api/generated";
import { countOf } from "@/components/format";
import { ErrorState } from "@/components/ProblemCard";
import { toastUndo } from "@/components/undo";

import { useUndo } from "./queries";
import classes from "./Settings.module.css";
import { told } from "./values";

/** Bring settings in from a file: first what it would change, then the button that does it. */
export function ImportButton() {
  const client = useQueryClient();
  const undo = useUndo();
  const [text, setText] = useState("");
  const trial = useMutation({
    mutationFn: (wanted: string) => call(importSettings({ body: { text: wanted, is_trial: true } })),
  });
  const bring = useMutation({
    mutationFn: () => call(importSettings({ body: { text } })),
    onSuccess: async ({ changes, change_id }) => {
      trial.reset();
      if (change_id !== null)
        toastUndo(`${countOf(changes.length, "setting")} changed.`, () => undo.mutateAsync(change_id));
      await client.invalidateQueries();
    },
  });
  const found = trial.data;
  return (
    <>
      <FileButton
        accept=".toml,text/plain,application/toml"
        onChange={(file) =>
          void file?.text().then((content) => {
            bring.reset();
            setText(content);
            trial.mutate(content);
          })
        }
      >
        {(props) => (
          <Button {...props} variant="default" leftSection={<Upload size={15} />} loading={trial.isPending}>
            Import
          </Button>
        )}
      </FileButton>
      <Modal
        opened={trial.isError || found !== undefined}
        onClose={() => trial.reset()}
        title="Import settings"
        size="lg"
      >
        <div className="stack">
          {trial.error && <ErrorState error={trial.error} />}
          {found && found.changes.length === 0 && <p>The settings of this file hold here already.</p>}
          {found && found.changes.length > 0 && (
            <ul className={classes.rows} aria-label="What it changes">
              {found.changes.map(({ key, title, after }) => (
                <li key={key} className={classes.change}>
                  <span className={classes.grow}>
                    {title} <code className="mono dim">{key}</code>
                  </span>
                  <span className={classes.new}>{told(after)}</span>
                </li>
              ))}
            </ul>
          )}
          {found && found.skipped.length > 0 && (
            <div>
              <p className={classes.name}>Not brought in</p>
              <ul>
                {found.skipped.map(({ key, why }) => (
                  <li key={key} className="dim small">
                    <code className="mono">{key}</code> {why}
                  </li>
                ))}
              </ul>
            </div>
          )}
          {bring.error && <ErrorState error={bring.error} />}
          {found && found.changes.length > 0 && (
            <Button
              variant="primary"
              style={{ alignSelf: "flex-end" }}
              loading={bring.isPending}
              onClick={() => bring.mutate()}
            >
              Change {countOf(found.changes.length, "setting")}
            </Button>
          )}
        </div>
      </Modal>
    </>
  );
}
