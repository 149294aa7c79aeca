import { Button, Switch } from "@mantine/core";
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import {
  Archive,
  BellRing,
  CircleCheck,
  CloudOff,
  HardDrive,
  Send,
  TriangleAlert,
  Wallet,
  type LucideIcon,
} from "lucide-react";
import { useState } from "react";

import { call } from "@/api/call";
import { clearAlert, listAlerts, tryAlert, type Alert } from "@/api/generated";
import { Empty } from "@/components/Empty";
import { ago } from "@/components/format";
import { Loaded } from "@/components/Loaded";
import { toastProblem } from "@/components/undo";
import { Page } from "@/components/Page";

import classes from "./Alerts.module.css";

const alertsQuery = (isOpen: boolean) =>
  queryOptions({
    queryKey: ["alerts", isOpen],
    queryFn: () => call(listAlerts({ query: { is_open: isOpen } })),
    refetchInterval: 10_000,
  });

const ICONS: Record<Alert["kind"], LucideIcon> = {
  "job-failed": TriangleAlert,
  budget: Wallet,
  disk: HardDrive,
  "backend-down": CloudOff,
  backup: Archive,
  test: BellRing,
};

const MAIL: Record<Alert["mail_state"], string> = {
  new: "about to be told",
  waiting: "mail waits to be sent",
  sent: "mail sent",
  "given-up": "mail could not be sent",
  none: "",
};

function AlertRow({ alert }: { alert: Alert }) {
  const client = useQueryClient();
  const clearing = useMutation({
    mutationFn: () => call(clearAlert({ path: { alert_id: alert.id } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["alerts"] }),
    onError: toastProblem,
  });
  const Icon = alert.cleared_at ? CircleCheck : ICONS[alert.kind];
  const facts = [
    ago(alert.raised_at),
    alert.count > 1 && `${alert.count} times, last ${ago(alert.last_at)}`,
    alert.cleared_at && (alert.cleared_by ? `seen to by ${alert.cleared_by}` : "over by itself"),
    MAIL[alert.mail_state],
  ].filter(Boolean);
  return (
    <li className={classes.row}>
      <Icon
        size={18}
        className={alert.cleared_at ? "good" : alert.kind === "test" ? undefined : "warn"}
        aria-label={alert.cleared_at ? "Over" : "Open"}
      />
      <div className={classes.text}>
        <p className={classes.title}>{alert.title}</p>
        <p>{alert.detail}</p>
        <p className="dim small">{facts.join(" · ")}</p>
        {alert.mail_error && <p className="dim small mono">{alert.mail_error}</p>}
      </div>
      {!alert.cleared_at && (
        <Button
          variant="default"
          size="xs"
          loading={clearing.isPending}
          onClick={() => clearing.mutate()}
          aria-label={`Seen to: ${alert.title}`}
        >
          Seen to
        </Button>
      )}
    </li>
  );
}

/** What needs somebody, and what did. */
export function AlertsPage() {
  const [isAll, setAll] = useState(false);
  const client = useQueryClient();
  const query = useQuery(alertsQuery(!isAll));
  const trial = useMutation({
    mutationFn: () => call(tryAlert()),
    onSuccess: () => client.invalidateQueries({ queryKey: ["alerts"] }),
    onError: toastProblem,
  });
  return (
    <Page
      title="Alerts"
      sub={
        <>
          Failed jobs and backups, budgets, a full disk, backends that don’t answer. Who is told by webhook or
          mail, and of what, is set in the <Link to="/system/settings">settings</Link>.
        </>
      }
      width="narrow"
      actions={
        <>
          <Switch
            label="With those that are over"
            checked={isAll}
            onChange={(event) => setAll(event.currentTarget.checked)}
          />
          <Button
            variant="default"
            leftSection={<Send size={15} aria-hidden />}
            loading={trial.isPending}
            onClick={() => trial.mutate()}
          >
            Send a trial
          </Button>
        </>
      }
    >
      <Loaded query={query}>
        {(alerts) =>
          alerts.length ? (
            <ul className={classes.rows} aria-label="Alerts">
              {alerts.map((alert) => (
                <AlertRow key={alert.id} alert={alert} />
              ))}
            </ul>
          ) : (
            <Empty title="Nothing needs you">
              When a job or a scheduled backup fails, a budget runs out, the disk fills up or a backend does
              not answer, it stands here, and whoever you name is told.
            </Empty>
          )
        }
      </Loaded>
    </Page>
  );
}
