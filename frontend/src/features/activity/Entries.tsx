import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";

import type { AuditEntry } from "@/api/generated";
import { ago } from "@/components/format";
import { ErrorState } from "@/components/ProblemCard";

import classes from "./Activity.module.css";
import { entriesQuery, type Filter } from "./queries";
import { actionWords, differences } from "./words";

function Entry({ entry }: { entry: AuditEntry }) {
  const changes = differences(entry.before, entry.after);
  return (
    <li className={classes.entry}>
      <span className={`num ${classes.number}`}>{entry.number}</span>
      <div className={classes.what}>
        <p>
          <span className={classes.strong}>{actionWords(entry.action)}</span>{" "}
          {entry.name || <span className="mono small">{entry.target_id}</span>}
        </p>
        {changes.length > 0 && (
          <ul className={classes.changes} aria-label="What changed">
            {changes.map(({ name, before, after }) => (
              <li key={name}>
                {name}:{" "}
                {before !== null && <span className={before && after ? classes.old : ""}>{before}</span>}
                {before !== null && after !== null && " → "}
                {after}
              </li>
            ))}
          </ul>
        )}
      </div>
      <p className={`dim small ${classes.who}`}>
        {entry.actor}
        <time dateTime={entry.at} title={new Date(entry.at).toLocaleString()}>
          {ago(entry.at)}
        </time>
      </p>
    </li>
  );
}

/** What was done, newest first. */
export function Entries({ filter }: { filter: Filter }) {
  const found = useInfiniteQuery(entriesQuery(filter));
  const entries = found.data?.pages.flatMap((page) => page.entries) ?? [];
  const isFiltered = Object.values(filter).some(Boolean);
  return (
    <>
      {found.isError && <ErrorState error={found.error} retry={() => void found.refetch()} />}
      {found.isSuccess && !entries.length && (
        <p className="dim small">
          {isFiltered
            ? "Nothing fits these filters."
            : "Nothing yet. Who changes, deletes, shares or pays something is written here."}
        </p>
      )}
      {entries.length > 0 && (
        <ol className={classes.entries} aria-label="Entries, newest first">
          {entries.map((entry) => (
            <Entry key={entry.number} entry={entry} />
          ))}
        </ol>
      )}
      {found.hasNextPage && (
        <Button
          variant="default"
          loading={found.isFetchingNextPage}
          onClick={() => void found.fetchNextPage()}
        >
          Show older entries
        </Button>
      )}
    </>
  );
}
