import { SegmentedControl, useMantineColorScheme, type MantineColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck } from "lucide-react";
import type { ReactNode } from "react";

import type { SystemInfo } from "@/api/generated";
import { systemQuery } from "@/api/queries";
import { Command, CopyButton } from "@/components/CopyButton";
import { bytes } from "@/components/format";
import { Loaded } from "@/components/Loaded";
import { Meter } from "@/components/Meter";
import { Page } from "@/components/Page";

import classes from "./System.module.css";

const WORKER = {
  ready: "Ready",
  starting: "Starting",
  lost: "Not answering; it is started again by itself",
} as const;

function Row({ isGood, title, children }: { isGood: boolean; title: string; children: ReactNode }) {
  const Icon = isGood ? CircleCheck : CircleAlert;
  return (
    <li className={classes.row}>
      <Icon
        size={17}
        className={isGood ? "good" : "warn"}
        aria-label={isGood ? "Ready" : "Needs something"}
      />
      <div>
        <p className={classes.rowTitle}>{title}</p>
        <div className="dim small">{children}</div>
      </div>
    </li>
  );
}

function Ready({ system }: { system: SystemInfo }) {
  const { engine, worker } = system;
  return (
    <section aria-label="What is ready" className={classes.panel}>
      <h2>What is ready</h2>
      <ul className={classes.rows}>
        <Row isGood={engine.is_ready} title="This computer">
          {engine.is_ready
            ? `Trains and makes images on ${engine.device_name || engine.device}`
            : "Can’t train or make images yet"}
        </Row>
        <Row isGood={worker.state === "ready"} title="Worker">
          {WORKER[worker.state]}
          {worker.device_holder && ` · busy with ${worker.device_holder}`}
        </Row>
        {engine.missing.map(({ name, reason, command }) => (
          <Row key={name} isGood={false} title={name}>
            <p>{reason}</p>
            {command && <Command>{command}</Command>}
          </Row>
        ))}
      </ul>
    </section>
  );
}

function Room({ system }: { system: SystemInfo }) {
  const used = system.memory_total_bytes - system.memory_available_bytes;
  return (
    <section aria-label="Room" className={classes.panel}>
      <h2>Room</h2>
      <dl className="facts">
        <dt>Memory free</dt>
        <dd>
          {bytes(system.memory_available_bytes)} of {bytes(system.memory_total_bytes)}
        </dd>
      </dl>
      <Meter
        label="Memory in use"
        value={used}
        total={system.memory_total_bytes}
        text={`${bytes(used)} in use`}
      />
      <dl className="facts">
        <dt>Disk free</dt>
        <dd>{bytes(system.disk_free_bytes)}</dd>
      </dl>
      <div>
        <p className="dim small">Everything is kept in</p>
        <span className={classes.path}>
          <code className="mono">{system.data_dir}</code>
          <CopyButton value={system.data_dir} label="Copy the folder's path" />
        </span>
      </div>
    </section>
  );
}

function Appearance() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <section aria-label="Appearance" className={classes.panel}>
      <h2>Appearance</h2>
      <SegmentedControl
        fullWidth
        aria-label="Theme"
        value={colorScheme}
        onChange={(scheme) => setColorScheme(scheme as MantineColorScheme)}
        data={[
          { value: "auto", label: "As the system" },
          { value: "light", label: "Light" },
          { value: "dark", label: "Dark" },
        ]}
      />
    </section>
  );
}

export function SystemPage() {
  const system = useQuery({ ...systemQuery, refetchInterval: 5000 });
  return (
    <Page title="Overview" sub={system.data && `fluxtune ${system.data.version}`}>
      <Loaded query={system}>
        {(info) => (
          <div className={classes.layout}>
            <div className="stack" style={{ gap: 16 }}>
              <Ready system={info} />
              <Room system={info} />
            </div>
            <div className="stack" style={{ gap: 16 }}>
              <Appearance />
            </div>
          </div>
        )}
      </Loaded>
    </Page>
  );
}
