import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Archive } from "lucide-react";

import { backupsQuery, forgetBackups } from "@/api/backups";
import { call } from "@/api/call";
import { startBackup, type Backups } from "@/api/generated";
import { Command, CopyButton } from "@/components/CopyButton";
import { ago, countOf, diskBytes } from "@/components/format";
import { Loaded } from "@/components/Loaded";
import { Page, Panel, Section } from "@/components/Page";
import { toastProblem } from "@/components/undo";

import { BackupRow } from "./BackupRow";
import classes from "./Backups.module.css";

const everyHours = (hours: number) =>
  hours % 24 === 0 ? (hours === 24 ? "Every day" : `Every ${hours / 24} days`) : `Every ${hours} hours`;

function nextOf(iso: string) {
  const at = new Date(iso);
  return at.getTime() <= Date.now()
    ? "Due now"
    : `Next ${at.toLocaleString("en", { dateStyle: "medium", timeStyle: "short" })}`;
}

/** When the last one was made, when the next is due, and where they are. */
function Standing({ found }: { found: Backups }) {
  const last = found.backups.find(({ state }) => state === "done");
  return (
    <Panel className="stack">
      <dl className={classes.standing}>
        <div>
          <dt>Last backup</dt>
          <dd>{last ? ago(last.created_at) : "None yet"}</dd>
          {last && <dd className="dim small">{diskBytes(last.byte_count ?? 0)}</dd>}
        </div>
        <div>
          <dt>Schedule</dt>
          <dd>{found.every_hours ? everyHours(found.every_hours) : "Only when asked for"}</dd>
          <dd className="dim small">
            {found.next_at && `${nextOf(found.next_at)} · `}
            the newest {found.keep === 1 ? "one is" : `${found.keep} are`} kept ·{" "}
            <Link to="/system/settings">Change</Link>
          </dd>
        </div>
        <div>
          <dt>Folder</dt>
          <dd>
            <span className="mono small">{found.folder}</span>{" "}
            <CopyButton value={found.folder} label="Copy the folder's path" />
          </dd>
          {found.free_bytes !== null && (
            <dd className="dim small">{diskBytes(found.free_bytes)} free there</dd>
          )}
        </div>
      </dl>
      {found.is_beside_data && (
        <p className="warn small">
          They lie in the data folder itself: good against mistakes, of no help when its disk is lost. Name a
          folder on another disk in the <Link to="/system/settings">settings</Link>.
        </p>
      )}
    </Panel>
  );
}

function Restoring({ found }: { found: Backups }) {
  return (
    <Section title="To restore one">
      <Panel>
        <ol className={classes.steps}>
          <li>Stop the studio, and choose an empty folder: nothing is ever overwritten.</li>
          <li>
            <Command>{found.restore_command}</Command>
          </li>
          <li>
            Start it on that folder. Finetunes that ran are paused and go on from their last checkpoint when
            you resume them; nothing is paid for by itself.
          </li>
        </ol>
      </Panel>
    </Section>
  );
}

/** Copies of the whole studio: made while it runs, checked, and how to restore one. */
export function BackupsPage() {
  const client = useQueryClient();
  const backups = useQuery({ ...backupsQuery, refetchInterval: 5000 });
  const start = useMutation({
    mutationFn: () => call(startBackup({ body: {} })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["jobs"] });
      return forgetBackups(client);
    },
    onError: toastProblem,
  });
  const isBusy = backups.data?.backups.some(({ state }) => state === "waiting" || state === "running");
  return (
    <Page
      title="Backups"
      sub="Copies of everything: database, images, models and runs. The studio goes on meanwhile."
      actions={
        <Button
          variant="primary"
          leftSection={<Archive size={16} />}
          disabled={isBusy}
          loading={start.isPending}
          onClick={() => start.mutate()}
        >
          Back up now
        </Button>
      }
    >
      <Loaded query={backups}>
        {(found) => (
          <div className={classes.layout}>
            <Standing found={found} />
            <Section
              title="Backups"
              label="List of backups"
              aside={<span className="dim small">{countOf(found.backups.length, "backup")}</span>}
            >
              <Panel>
                {found.backups.length ? (
                  <ul className={classes.rows}>
                    {found.backups.map((backup) => (
                      <BackupRow key={backup.id} backup={backup} />
                    ))}
                  </ul>
                ) : (
                  <p className="dim small">
                    None yet. The first copies everything; later ones only what is new, and each can be
                    restored by itself.
                  </p>
                )}
              </Panel>
            </Section>
            <Restoring found={found} />
          </div>
        )}
      </Loaded>
    </Page>
  );
}
