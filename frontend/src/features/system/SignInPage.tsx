import { Button, PasswordInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";

import { call } from "@/api/call";
import { createSession } from "@/api/generated";
import { problemOf } from "@/api/problem";
import { ErrorState } from "@/components/ProblemCard";

import classes from "./SignInPage.module.css";

/** Shown until the studio knows who is there. `error` is set when it can't be asked at all. */
export function SignInPage({ error, retry }: { error: unknown; retry: () => void }) {
  const client = useQueryClient();
  const [token, setToken] = useState("");
  const signIn = useMutation({
    mutationFn: () => call(createSession({ body: { token: tokenIn(token) } })),
    onSuccess: (session) => client.setQueryData(["session"], session),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (token.trim()) signIn.mutate();
  };
  return (
    <main className={classes.page}>
      <div className={classes.card}>
        <img src="/favicon.svg" width={40} height={40} alt="" />
        {error ? (
          <ErrorState error={error} retry={retry} />
        ) : (
          <form onSubmit={submit} className={classes.form}>
            <h1>Open the address printed by fluxtune serve</h1>
            <p className="dim">
              It signs this browser in. Or paste the token at its end here; it is the part after{" "}
              <span className="mono">token=</span>.
            </p>
            <PasswordInput
              label="Token"
              value={token}
              onChange={(event) => setToken(event.currentTarget.value)}
              autoComplete="off"
              data-autofocus
              error={signIn.isError && problemOf(signIn.error).detail}
            />
            <Button type="submit" variant="primary" loading={signIn.isPending} disabled={!token.trim()}>
              Sign in
            </Button>
          </form>
        )}
      </div>
    </main>
  );
}

/** The token of a whole pasted address, or what was pasted. */
function tokenIn(pasted: string): string {
  return /[?&]token=([^&\s]+)/.exec(pasted)?.[1] ?? pasted.trim();
}
