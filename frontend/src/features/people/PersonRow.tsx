import { ActionIcon, Menu, NativeSelect } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Ban, CircleCheck, Clock, Ellipsis, KeyRound, LogOut, Undo2, UserMinus } from "lucide-react";

import { call } from "@/api/call";
import {
  makePasswordLink,
  signPersonOut,
  updatePerson,
  withdrawInvitation,
  type Person,
  type PersonUpdate,
} from "@/api/generated";
import { ago } from "@/components/format";
import { toastGood, toastProblem } from "@/components/undo";

import { Link } from "./Invite";
import classes from "./People.module.css";
import { ROLES, type RoleName } from "./roles";

const STATES = {
  active: { label: "Active", Icon: CircleCheck, tone: "good" },
  invited: { label: "Invited", Icon: Clock, tone: "warn" },
  disabled: { label: "Disabled", Icon: Ban, tone: "bad" },
} as const;

function seen(person: Person): string {
  if (person.last_seen_at) return `last seen ${ago(person.last_seen_at)}`;
  if (person.state !== "invited") return `here since ${ago(person.created_at)}`;
  return person.invited_until ? `invited ${ago(person.created_at)}` : "the link has run out; make a new one";
}

export function PersonRow({ person, isMe }: { person: Person; isMe: boolean }) {
  const client = useQueryClient();
  const path = { person_id: person.id };
  const known = () => client.invalidateQueries({ queryKey: ["people"] });
  const change = useMutation({
    mutationFn: (body: PersonUpdate) => call(updatePerson({ path, body })),
    onSuccess: known,
    onError: toastProblem,
  });
  const link = useMutation({
    mutationFn: () => call(makePasswordLink({ path })),
    onSuccess: known,
    onError: toastProblem,
  });
  const signOut = useMutation({
    mutationFn: () => call(signPersonOut({ path })),
    onSuccess: ({ count }) =>
      toastGood(`${person.name} was signed out of ${count} ${count === 1 ? "browser" : "browsers"}.`),
    onError: toastProblem,
  });
  const withdraw = useMutation({
    mutationFn: () => call(withdrawInvitation({ path })),
    onSuccess: known,
    onError: toastProblem,
  });
  const { label, Icon, tone } = STATES[person.state];
  return (
    <li className={classes.person} aria-label={person.name}>
      <div className={classes.grow}>
        <p className={classes.strong}>
          {person.name} {isMe && <span className="dim small">(you)</span>}
        </p>
        <p className="dim small">
          {person.email} · {seen(person)}
        </p>
      </div>
      <span className={classes.state}>
        <Icon size={15} className={tone} aria-hidden /> {label}
      </span>
      <NativeSelect
        size="xs"
        aria-label={`Role of ${person.name}`}
        value={person.role}
        data={[...ROLES]}
        disabled={change.isPending}
        onChange={(event) => change.mutate({ role: event.currentTarget.value as RoleName })}
      />
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon aria-label={`More about ${person.name}`}>
            <Ellipsis size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {person.state !== "disabled" && (
            <Menu.Item leftSection={<KeyRound size={15} />} onClick={() => link.mutate()}>
              {person.state === "invited" ? "Make a new link" : "Make a link for a new password"}
            </Menu.Item>
          )}
          {person.state === "active" && (
            <Menu.Item leftSection={<LogOut size={15} />} onClick={() => signOut.mutate()}>
              Sign out everywhere
            </Menu.Item>
          )}
          {person.state === "active" && (
            <Menu.Item leftSection={<Ban size={15} />} onClick={() => change.mutate({ state: "disabled" })}>
              Disable
            </Menu.Item>
          )}
          {person.state === "disabled" && (
            <Menu.Item leftSection={<Undo2 size={15} />} onClick={() => change.mutate({ state: "active" })}>
              Let in again
            </Menu.Item>
          )}
          {person.state === "invited" && (
            <Menu.Item leftSection={<UserMinus size={15} />} onClick={() => withdraw.mutate()}>
              Withdraw the invitation
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      {link.data && (
        <div className={classes.wide}>
          <Link invitation={link.data} onDone={() => link.reset()} />
        </div>
      )}
    </li>
  );
}
