import { Button, Chip, MultiSelect, SegmentedControl, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { FlagInfo } from "@/api/generated";
import { useIsTeam } from "@/api/session";
import { Badge } from "@/components/StateBadge";

import classes from "./Flags.module.css";
import { namesQuery, useChange } from "./queries";
import { dayOf, endOfDay, ROLES } from "./words";

type Role = (typeof ROLES)[number];

/** For which roles and people a feature is on. */
function Some({ flag, onDone }: { flag: FlagInfo; onDone: () => void }) {
  const people = useQuery(namesQuery).data ?? [];
  const [roles, setRoles] = useState<Role[]>(flag.roles);
  const [named, setNamed] = useState<string[]>(flag.people);
  const change = useChange(flag);
  const isSame = flag.state === "some" && `${roles}|${named}` === `${flag.roles}|${flag.people}`;
  return (
    <form
      className={classes.some}
      aria-label={`For whom ${flag.title} is on`}
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate({ state: "some", roles, people: named, until: flag.until }, { onSuccess: onDone });
      }}
    >
      <fieldset className={classes.roles}>
        <legend className="small">Roles</legend>
        <Chip.Group multiple value={roles} onChange={(chosen) => setRoles(chosen as Role[])}>
          {ROLES.map((role) => (
            <Chip key={role} value={role} size="xs">
              {role[0].toUpperCase() + role.slice(1)}s
            </Chip>
          ))}
        </Chip.Group>
      </fieldset>
      <MultiSelect
        className={classes.people}
        label="People"
        placeholder={named.length ? undefined : "Anybody by name"}
        data={people.map(({ id, name }) => ({ value: id, label: name }))}
        value={named}
        onChange={setNamed}
        searchable
        nothingFoundMessage="Nobody by that name"
      />
      <Button
        type="submit"
        variant="default"
        loading={change.isPending}
        disabled={isSame || (!roles.length && !named.length)}
      >
        Apply
      </Button>
    </form>
  );
}

/** One feature: what it is, and the choice for whom it is on. */
export function FlagRow({ flag }: { flag: FlagInfo }) {
  const isTeam = useIsTeam();
  const change = useChange(flag);
  const [isChoosing, setChoosing] = useState(false);
  const shown = isChoosing ? "some" : flag.state;
  const choices = [
    { value: "on", label: "On" },
    ...(isTeam || flag.state === "some" ? [{ value: "some", label: "Some" }] : []),
    { value: "off", label: "Off" },
  ];
  const choose = (value: string) => {
    setChoosing(value === "some");
    if (value === "some") return;
    const isDefault = (value === "on") === flag.default;
    change.mutate(isDefault ? null : { state: value as "on" | "off" });
  };
  return (
    <li className={classes.row}>
      <div className={classes.what}>
        <p className={classes.title}>
          {flag.title}
          {flag.is_changed && <Badge tone="accent">Changed</Badge>}
        </p>
        <p className="dim small">{flag.what}</p>
      </div>
      <SegmentedControl
        className={classes.choice}
        aria-label={flag.title}
        value={shown}
        onChange={choose}
        data={choices}
        readOnly={change.isPending}
      />
      {shown === "some" && <Some key={flag.changed_at} flag={flag} onDone={() => setChoosing(false)} />}
      {flag.is_changed && !isChoosing && (
        <div className={classes.until}>
          <TextInput
            type="date"
            size="xs"
            label="Until"
            description="Empty holds for good"
            min={dayOf(new Date().toISOString())}
            value={flag.until ? dayOf(flag.until) : ""}
            onChange={({ currentTarget: { value } }) => {
              const { state, roles, people } = flag;
              change.mutate({ state, roles, people, until: value ? endOfDay(value) : null });
            }}
          />
          <p className="dim small">
            by {flag.changed_by}; {flag.default ? "on" : "off"} by default
          </p>
        </div>
      )}
    </li>
  );
}
