import { Button, Menu, NativeSelect, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Download, Search, ShieldAlert, ShieldCheck } from "lucide-react";
import { useState } from "react";

import { Page, Panel } from "@/components/Page";
import { ErrorState } from "@/components/ProblemCard";

import classes from "./Activity.module.css";
import { Entries } from "./Entries";
import { filtersQuery, verificationQuery, type Filter } from "./queries";
import { actionWords } from "./words";

/** The log's own proof, made when asked for: it reads all of it. */
function Verification() {
  const found = useQuery(verificationQuery);
  return (
    <div className={classes.proof}>
      <Button
        variant="default"
        leftSection={<ShieldCheck size={15} />}
        loading={found.isFetching}
        onClick={() => void found.refetch()}
      >
        Verify
      </Button>
      <div role="status" className={classes.verdict}>
        {found.isError && <ErrorState error={found.error} />}
        {found.data?.is_whole && (
          <p className="small">
            {found.data.entries.toLocaleString("en")} {found.data.entries === 1 ? "entry" : "entries"}, none
            changed, none missing. Note this hash elsewhere;{" "}
            <span className="mono">fluxtune admin audit verify --head</span> then proves the log up to it:{" "}
            <code className={classes.hash}>{found.data.head || "(no entry yet)"}</code>
          </p>
        )}
        {found.data && !found.data.is_whole && (
          <p className={`small ${classes.broken}`}>
            <ShieldAlert size={16} aria-hidden /> {found.data.reason} Somebody changed the database past the
            studio. Compare with an export or a backup made before.
          </p>
        )}
        {!found.data && !found.isError && (
          <p className="dim small">
            Every entry holds a hash of itself and the one before, so a changed or removed one shows.
          </p>
        )}
      </div>
    </div>
  );
}

const DAYS = [
  { value: "", label: "Any time" },
  { value: "1", label: "Last day" },
  { value: "7", label: "Last week" },
  { value: "30", label: "Last 30 days" },
];

const sinceDays = (days: string) => {
  if (!days) return undefined;
  const moment = new Date(Date.now() - Number(days) * 86_400_000);
  // Whole hours: else every drawing of the page would ask anew.
  moment.setMinutes(0, 0, 0);
  return moment.toISOString();
};

/** Who changed what, when. */
export function ActivityPage() {
  const known = useQuery(filtersQuery).data;
  const [typed, setTyped] = useState("");
  const [query] = useDebouncedValue(typed.trim(), 200);
  const [action, setAction] = useState("");
  const [actor, setActor] = useState("");
  const [days, setDays] = useState("");
  const filter: Filter = {
    query: query || undefined,
    action: action || undefined,
    actor_id: actor || undefined,
    since: sinceDays(days),
  };
  const asked = new URLSearchParams(Object.entries(filter).filter(([, value]) => value)).toString();
  const file = (format: string) => `/api/audit/export?format=${format}${asked && `&${asked}`}`;
  return (
    <Page
      title="Activity"
      sub="Who changed, deleted, shared or paid what. Entries are only ever added."
      actions={
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" leftSection={<Download size={15} />}>
              Export
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item component="a" href={file("csv")} download>
              Table (CSV)
            </Menu.Item>
            <Menu.Item component="a" href={file("jsonl")} download>
              Everything (JSON lines)
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      }
    >
      <Panel className={classes.panel}>
        <Verification />
        <div className={classes.filters} role="search" aria-label="Filter the activity">
          <TextInput
            aria-label="Words"
            placeholder="Name or id"
            leftSection={<Search size={15} />}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <NativeSelect
            aria-label="What was done"
            value={action}
            onChange={(event) => setAction(event.currentTarget.value)}
            data={[
              { value: "", label: "Everything" },
              ...(known?.actions ?? []).map((each) => ({ value: each, label: actionWords(each) })),
            ]}
          />
          <NativeSelect
            aria-label="Who did it"
            value={actor}
            onChange={(event) => setActor(event.currentTarget.value)}
            data={[
              { value: "", label: "Everybody" },
              ...(known?.actors ?? [])
                .filter(({ id }) => id)
                .map(({ id, name }) => ({ value: id, label: name })),
            ]}
          />
          <NativeSelect
            aria-label="When"
            value={days}
            onChange={(event) => setDays(event.currentTarget.value)}
            data={DAYS}
          />
        </div>
        <Entries filter={filter} />
      </Panel>
    </Page>
  );
}
