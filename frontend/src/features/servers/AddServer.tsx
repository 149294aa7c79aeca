import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "@/api/call";
import { addServer, type ServerCreateWritable } from "@/api/generated";
import { fieldErrors } from "@/api/problem";
import { forgetServers } from "@/api/servers";
import { Panel, Section } from "@/components/Page";
import { ErrorState } from "@/components/ProblemCard";
import { toastGood } from "@/components/undo";

import classes from "./Servers.module.css";

const EMPTY: ServerCreateWritable = { name: "", url: "", token: "" };

export function AddServer() {
  const client = useQueryClient();
  const [draft, setDraft] = useState(EMPTY);
  const add = useMutation({
    mutationFn: () => call(addServer({ body: draft })),
    onSuccess: ({ name }) => {
      setDraft(EMPTY);
      toastGood(`“${name}” answers.`);
      return forgetServers(client);
    },
  });
  const errors = fieldErrors(add.error);
  const change = (by: Partial<ServerCreateWritable>) => {
    if (add.isError) add.reset();
    setDraft({ ...draft, ...by });
  };
  return (
    <Section title="Add a server">
      <Panel className={classes.panel}>
        <p className="dim small">
          On the other computer, <code className="mono">fluxtune serve</code> prints the address and{" "}
          <code className="mono">fluxtune token create laptop</code> the token. Addresses of this computer and
          of private networks are fine; the token goes to this address and nowhere else.
        </p>
        <form
          className={classes.form}
          aria-label="Add a server"
          onSubmit={(event) => {
            event.preventDefault();
            add.mutate();
          }}
        >
          <TextInput
            label="Name"
            placeholder="gpu"
            maxLength={60}
            value={draft.name}
            error={errors.name}
            onChange={({ target }) => change({ name: target.value })}
          />
          <TextInput
            label="Address"
            placeholder="http://gpu.local:7860"
            value={draft.url}
            error={errors.url}
            onChange={({ target }) => change({ url: target.value })}
          />
          <PasswordInput
            label="Token"
            autoComplete="off"
            value={draft.token}
            error={errors.token}
            onChange={({ target }) => change({ token: target.value })}
          />
          <Button
            type="submit"
            variant="default"
            loading={add.isPending}
            disabled={!draft.name.trim() || !draft.url.trim() || !draft.token.trim()}
          >
            Test and add
          </Button>
          {add.error && (
            <div className={classes.wide}>
              <ErrorState error={add.error} />
            </div>
          )}
        </form>
      </Panel>
    </Section>
  );
}
