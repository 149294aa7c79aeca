import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "@/api/call";
import { invitePerson, type Invitation } from "@/api/generated";
import { fieldErrors } from "@/api/problem";
import { Command } from "@/components/CopyButton";
import { Panel, Section } from "@/components/Page";
import { ErrorState } from "@/components/ProblemCard";

import classes from "./People.module.css";
import { ROLES, type RoleName } from "./roles";

/** The link of an invitation, shown this once: how it reaches the person is the administrator's choice. */
export function Link({ invitation, onDone }: { invitation: Invitation; onDone: () => void }) {
  const { person, token, expires_at } = invitation;
  const until = new Date(expires_at).toLocaleDateString(undefined, { day: "numeric", month: "long" });
  return (
    <div className={classes.link} role="status">
      <p className={classes.strong}>Send this link to {person.name}; it is not shown again</p>
      <Command>{`${window.location.origin}/invitation#${token}`}</Command>
      <p className="dim small">
        It sets the password of {person.email}, once, until {until}. Whoever has the link can use it.
      </p>
      <Button size="xs" variant="default" onClick={onDone}>
        I have it
      </Button>
    </div>
  );
}

export function Invite() {
  const client = useQueryClient();
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState<RoleName>("creator");
  const invite = useMutation({
    mutationFn: () => call(invitePerson({ body: { email: email.trim(), name: name.trim(), role } })),
    onSuccess: () => {
      setEmail("");
      setName("");
      return client.invalidateQueries({ queryKey: ["people"] });
    },
  });
  const errors = fieldErrors(invite.error);
  const isReady = email.trim() && name.trim();
  return (
    <Section title="Invite somebody">
      <Panel className={classes.panel}>
        <form
          className={classes.form}
          aria-label="Invite somebody"
          onSubmit={(event) => {
            event.preventDefault();
            if (isReady) invite.mutate();
          }}
        >
          <TextInput
            label="Name"
            value={name}
            maxLength={80}
            autoComplete="off"
            error={errors.name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label="E-mail address"
            type="email"
            value={email}
            autoComplete="off"
            error={errors.email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          <NativeSelect
            label="Role"
            value={role}
            data={[...ROLES]}
            onChange={(event) => setRole(event.currentTarget.value as RoleName)}
          />
          <Button type="submit" variant="primary" loading={invite.isPending} disabled={!isReady}>
            Make an invitation
          </Button>
        </form>
        <p className="dim small">
          {ROLES.find(({ value }) => value === role)?.label}:{" "}
          {ROLES.find(({ value }) => value === role)?.text}. Each role may what those before it may.
        </p>
        {invite.error && Object.keys(errors).length === 0 && <ErrorState error={invite.error} />}
        {invite.data && <Link invitation={invite.data} onDone={() => invite.reset()} />}
      </Panel>
    </Section>
  );
}
