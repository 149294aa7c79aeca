import { Button, PasswordInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "@/api/call";
import { changePassword } from "@/api/generated";
import { fieldErrors } from "@/api/problem";
import { Panel, Section } from "@/components/Page";
import { ErrorState } from "@/components/ProblemCard";
import { toastGood } from "@/components/undo";

import classes from "./Access.module.css";

/** One's own password; changing it signs all other browsers out. */
export function Password() {
  const client = useQueryClient();
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const change = useMutation({
    mutationFn: () => call(changePassword({ body: { current, password } })),
    onSuccess: () => {
      setCurrent("");
      setPassword("");
      toastGood("The password is changed. Your other browsers are signed out.");
      return client.invalidateQueries({ queryKey: ["sessions"] });
    },
  });
  const errors = fieldErrors(change.error);
  return (
    <Section title="Password">
      <Panel className={classes.panel}>
        <form
          className={classes.form}
          aria-label="Change the password"
          onSubmit={(event) => {
            event.preventDefault();
            if (current && password) change.mutate();
          }}
        >
          <PasswordInput
            label="Current password"
            autoComplete="current-password"
            value={current}
            error={errors.current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
          />
          <PasswordInput
            label="New password"
            autoComplete="new-password"
            style={{ flex: "1 1 220px", maxWidth: 420 }}
            value={password}
            error={errors.password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <Button type="submit" variant="default" loading={change.isPending} disabled={!current || !password}>
            Change it
          </Button>
        </form>
        {change.error && Object.keys(errors).length === 0 && <ErrorState error={change.error} />}
      </Panel>
    </Section>
  );
}
