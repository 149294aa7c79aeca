import { Button, Select, Switch, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Download, Search } from "lucide-react";
import { useEffect, useState } from "react";

import { call } from "@/api/call";
import { readLog, type LogPage } from "@/api/generated";
import { Empty } from "@/components/Empty";
import { Loaded } from "@/components/Loaded";
import { Page } from "@/components/Page";

import { LogLines } from "./LogLines";
import classes from "./Logs.module.css";
import { EMPTY, LEVELS, NARROW, searchOf, wantedOf, type Wanted } from "./wanted";

const LIVE_MS = 2000;

const logQuery = (wanted: Wanted, isLive: boolean) =>
  queryOptions({
    queryKey: ["logs", wanted],
    queryFn: () => call(readLog({ query: { ...wanted, limit: 300 } })),
    placeholderData: keepPreviousData,
    refetchInterval: isLive && LIVE_MS,
  });

interface FiltersProps {
  wanted: Wanted;
  parts: string[];
  onChange: (change: Partial<Wanted>) => void;
}

function Filters({ wanted, parts, onChange }: FiltersProps) {
  const shown = wanted.part && !parts.includes(wanted.part) ? [...parts, wanted.part] : parts;
  return (
    <div className={classes.filters} role="search" aria-label="Which lines">
      <Select
        label="Level"
        data={LEVELS}
        value={wanted.level}
        allowDeselect={false}
        onChange={(level) => level && onChange({ level: level as Wanted["level"] })}
      />
      <Select
        label="Part"
        placeholder="All"
        data={shown}
        value={wanted.part || null}
        clearable
        searchable
        onChange={(part) => onChange({ part: part ?? "" })}
      />
      {NARROW.map(({ name, label }) => (
        <TextInput
          key={name}
          label={label}
          placeholder="Any"
          value={wanted[name]}
          onChange={(event) => onChange({ [name]: event.currentTarget.value.trim() })}
          classNames={{ input: "mono" }}
        />
      ))}
      <TextInput
        label="Words"
        placeholder="Stand in the line"
        leftSection={<Search size={15} aria-hidden />}
        value={wanted.words}
        onChange={(event) => onChange({ words: event.currentTarget.value })}
        className={classes.words}
      />
    </div>
  );
}

function Found({
  page,
  onNarrow,
  clear,
}: {
  page: LogPage;
  onNarrow: FiltersProps["onChange"];
  clear?: () => void;
}) {
  if (!page.lines.length)
    return (
      <Empty
        title={clear ? "No line is like that" : "Nothing has been written yet"}
        action={
          clear && (
            <Button variant="default" onClick={clear}>
              Show all lines
            </Button>
          )
        }
      >
        {clear
          ? "Try a lower level, another part, or fewer words."
          : "What the server and its workers do stands here, line by line, as it happens."}
      </Empty>
    );
  return (
    <>
      <LogLines lines={page.lines} onNarrow={onNarrow} />
      <p className="dim small" style={{ marginTop: 12 }}>
        {page.is_all
          ? `All ${page.lines.length} lines that are kept.`
          : `The newest ${page.lines.length} lines. There are older ones; the support bundle has more of them.`}
      </p>
    </>
  );
}

/** What is wanted, as one types; the address follows a moment later, so that a reload or a link shows the same. */
function useWanted() {
  const [wanted, setWanted] = useState(wantedOf(useSearch({ from: "/admin/system/logs" })));
  const [asked] = useDebouncedValue(wanted, 250);
  const navigate = useNavigate();
  useEffect(() => {
    void navigate({ to: "/system/logs", search: searchOf(asked), replace: true });
  }, [asked, navigate]);
  return { wanted, asked, setWanted };
}

/** What the server and its workers did, line by line, as it happens. */
export function LogsPage() {
  const { wanted, asked, setWanted } = useWanted();
  const [isLive, setLive] = useState(true);
  const query = useQuery(logQuery(asked, isLive));
  const change = (next: Partial<Wanted>) => setWanted((before) => ({ ...before, ...next }));
  const isNarrow = JSON.stringify(wanted) !== JSON.stringify(EMPTY);
  return (
    <Page
      title="Logs"
      sub="What this computer’s server and workers did, newest first. Passwords, keys and tokens are never among it."
      actions={
        <>
          <Switch label="Live" checked={isLive} onChange={(event) => setLive(event.currentTarget.checked)} />
          <Button
            component="a"
            href="/api/system/support-bundle"
            download
            variant="default"
            leftSection={<Download size={16} aria-hidden />}
            title="Versions, settings, newest jobs, measures, alerts and logs in one ZIP file; no secrets, no images"
          >
            Support bundle
          </Button>
        </>
      }
    >
      <Filters wanted={wanted} parts={query.data?.parts ?? []} onChange={change} />
      <Loaded query={query}>
        {(page) => (
          <Found page={page} onNarrow={change} clear={isNarrow ? () => setWanted(EMPTY) : undefined} />
        )}
      </Loaded>
    </Page>
  );
}
