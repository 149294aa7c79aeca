import { ActionIcon, Tooltip } from "@mantine/core";
import { Lock, RotateCcw } from "lucide-react";

import type { Setting } from "@/api/generated";
import { ago } from "@/components/format";
import { Badge } from "@/components/StateBadge";

import { useChange } from "./queries";
import { SettingControl } from "./SettingControl";
import classes from "./Settings.module.css";
import { problemAt, told } from "./values";

const SOURCE = {
  default: null,
  browser: "Changed here",
  file: "From the file",
  environment: "From the environment",
  argument: "From the start",
} as const;

/** Where a value comes from, and what follows from that. */
function Origin({ setting }: { setting: Setting }) {
  const { source, locked, is_waiting, needs_restart, changed_by, changed_at } = setting;
  const label = SOURCE[source];
  return (
    <p className={classes.origin}>
      {label && <Badge tone={source === "browser" ? "accent" : "quiet"}>{label}</Badge>}
      {is_waiting && <Badge tone="warn">Waits for the next start</Badge>}
      {locked && (
        <span className={classes.locked}>
          <Lock size={12} aria-hidden /> {locked}
        </span>
      )}
      {source === "browser" && changed_at && (
        <span>
          {changed_by}, {ago(changed_at)}
        </span>
      )}
      {!locked && needs_restart && !is_waiting && <span>Takes effect with the next start.</span>}
    </p>
  );
}

/** A sentence whose names stand between backticks. */
const Words = ({ text }: { text: string }) =>
  text.split("`").map((part, at) =>
    at % 2 ? (
      <code key={at} className="mono">
        {part}
      </code>
    ) : (
      part
    ),
  );

/** One setting: what it is, where its value comes from, and the field that changes it. */
export function SettingRow({ setting }: { setting: Setting }) {
  const change = useChange();
  const { key, title, description, default: usual, unit, source, is_secret, is_waiting } = setting;
  const isChanged = setting.locked === null && (source === "browser" || is_waiting);
  return (
    <li className={classes.row} id={key}>
      <div className={classes.words}>
        <p className={classes.name}>{title}</p>
        <p className="dim small">
          <Words text={description} />
        </p>
        <Origin setting={setting} />
      </div>
      <div className={classes.control}>
        <SettingControl
          setting={setting}
          error={change.error ? (problemAt(change.error, key) ?? change.error.message) : undefined}
          isBusy={change.isPending}
          save={(value) => change.mutate({ values: { [key]: value } })}
        />
        {isChanged && (
          <Tooltip label={is_secret ? "Remove" : `Back to ${told(usual, unit)}`}>
            <ActionIcon
              aria-label={is_secret ? `Remove ${title}` : `Reset ${title}`}
              loading={change.isPending}
              onClick={() => change.mutate({ reset: [key] })}
            >
              <RotateCcw size={15} />
            </ActionIcon>
          </Tooltip>
        )}
      </div>
    </li>
  );
}
