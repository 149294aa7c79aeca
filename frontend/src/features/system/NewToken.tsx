import { Button, Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "@/api/call";
import { createToken, type NewApiToken } from "@/api/generated";
import { fieldErrors } from "@/api/problem";
import { sessionQuery } from "@/api/queries";
import { Command } from "@/components/CopyButton";
import { ErrorState } from "@/components/ProblemCard";

import classes from "./Access.module.css";
import { LIVES, SCOPES, tokensQuery, type Scope } from "./tokens";

/** The one time a token is to be seen. */
function Made({ token, onDone }: { token: NewApiToken; onDone: () => void }) {
  const example = token.scopes.includes("v1")
    ? `curl -H "x-key: ${token.token}" ${window.location.origin}/v1/credits`
    : `curl -H "Authorization: Bearer ${token.token}" ${window.location.origin}/api/session`;
  return (
    <div className={classes.made} role="status">
      <p className={classes.strong}>Copy “{token.name}” now; it is not shown again</p>
      <Command>{token.token}</Command>
      <p className="dim small">Try it:</p>
      <Command>{example}</Command>
      <Button size="xs" variant="default" onClick={onDone}>
        I have it
      </Button>
    </div>
  );
}

/** Make a token: what for, what it may do, for how long. */
export function NewToken() {
  const client = useQueryClient();
  const held = useQuery({ ...sessionQuery, enabled: false }).data?.permissions ?? [];
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Scope[]>(["v1"]);
  const [days, setDays] = useState("");
  const create = useMutation({
    mutationFn: () =>
      call(createToken({ body: { name: name.trim(), scopes, days: days ? Number(days) : null } })),
    onSuccess: () => {
      setName("");
      return client.invalidateQueries({ queryKey: tokensQuery.queryKey });
    },
  });
  const isReady = name.trim() && scopes.length > 0;
  return (
    <>
      <form
        className={classes.stacked}
        aria-label="Make a token"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) create.mutate();
        }}
      >
        <div className={classes.form}>
          <TextInput
            label="Name"
            description="The program or computer that will use it"
            placeholder="laptop"
            value={name}
            maxLength={60}
            error={fieldErrors(create.error).name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <NativeSelect
            label="Valid"
            value={days}
            data={LIVES}
            onChange={(event) => setDays(event.currentTarget.value)}
          />
        </div>
        <Checkbox.Group
          label="What it may do"
          value={scopes}
          onChange={(chosen) => setScopes(chosen as Scope[])}
          error={scopes.length === 0 && "Choose at least one."}
        >
          <div className={classes.scopes}>
            {SCOPES.filter(({ rule }) => held.includes(rule)).map(({ value, label }) => (
              <Checkbox key={value} value={value} label={label} />
            ))}
          </div>
        </Checkbox.Group>
        <Button
          type="submit"
          variant="default"
          style={{ alignSelf: "flex-start" }}
          loading={create.isPending}
          disabled={!isReady}
        >
          Make a token
        </Button>
      </form>
      {create.error && <ErrorState error={create.error} />}
      {create.data && <Made token={create.data} onDone={() => create.reset()} />}
    </>
  );
}
