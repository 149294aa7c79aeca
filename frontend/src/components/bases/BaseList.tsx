import { ExternalLink } from "lucide-react";
import type { ReactNode } from "react";

import type { BaseEntry } from "@/api/generated";
import { Command } from "@/components/CopyButton";
import { bytes, diskBytes } from "@/components/format";
import { Fold } from "@/components/schema-form/SchemaForm";
import { Badge } from "@/components/StateBadge";

import classes from "./BaseList.module.css";

/** Licence, size, memory: what decides whether a base is for one. */
export function BaseTags({ base }: { base: BaseEntry }) {
  return (
    <span className={classes.tags}>
      <Badge tone={base.is_free_commercially === false ? "warn" : "quiet"}>
        {base.licence || "Licence unknown"}
        {base.is_free_commercially === false && ", not for commercial use"}
      </Badge>
      {base.size_bytes > 0 && <Badge>{diskBytes(base.size_bytes)} on disk</Badge>}
      {base.memory.train_bytes > 0 && (
        <Badge>
          trains in {bytes(base.memory.train_bytes)}, {bytes(base.memory.train_least_bytes)} at the least
        </Badge>
      )}
      {base.is_gated && <Badge tone="warn">Asks you to accept its licence</Badge>}
    </span>
  );
}

/** What is missing of a base, and how it comes here. */
function HowToGet({ base }: { base: BaseEntry }) {
  const page = base.url && (
    <a href={base.url} target="_blank" rel="noreferrer" className={classes.page}>
      its page <ExternalLink size={12} aria-hidden />
    </a>
  );
  return (
    <div className={classes.get}>
      {base.is_gated && base.url && (
        <p>
          First accept its licence on {page}, then sign in with <Command>hf auth login</Command>
        </p>
      )}
      {base.command ? <Command>{base.command}</Command> : <p>{base.how_to_get}</p>}
    </div>
  );
}

function Entry({
  base,
  titleOf,
  action,
}: {
  base: BaseEntry;
  titleOf: (name: string) => string;
  action?: ReactNode;
}) {
  return (
    <li className={classes.entry}>
      <div className={classes.head}>
        <div>
          <p className={classes.title}>{base.title}</p>
          <p className="dim small">{base.description}</p>
        </div>
        {action}
      </div>
      <BaseTags base={base} />
      {base.train_on && (
        <p className="dim small">
          {base.training === "no" ? "Not for training" : "Better not trained itself"}: train on{" "}
          {titleOf(base.train_on)} and use the result here.
        </p>
      )}
      {base.training_note && <p className="dim small">{base.training_note}</p>}
      {base.missing && <p className="dim small">{base.missing}</p>}
      {!base.is_ready && (
        <Fold title="How to get it">
          <HowToGet base={base} />
        </Fold>
      )}
    </li>
  );
}

/** Bases with licence, size, what is missing, and the command that gets it. */
export function BaseList({
  bases,
  all,
  label,
  action,
}: {
  bases: BaseEntry[];
  all: BaseEntry[];
  label: string;
  action?: (base: BaseEntry) => ReactNode;
}) {
  const titleOf = (name: string) => all.find((base) => base.name === name)?.title ?? name;
  return (
    <ul className={classes.list} aria-label={label}>
      {bases.map((base) => (
        <Entry key={base.name} base={base} titleOf={titleOf} action={action?.(base)} />
      ))}
    </ul>
  );
}
