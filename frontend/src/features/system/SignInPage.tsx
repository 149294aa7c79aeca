import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "@/api/call";
import { createSession, createSessionWithPassword, getSignInWays } from "@/api/generated";
import { problemOf } from "@/api/problem";
import { ErrorState } from "@/components/ProblemCard";
import { SignInCard, SignInForm } from "@/components/SignInCard";

/** Shown until the studio knows who is there. `error` is set when it can't be asked at all. */
export function SignInPage({ error, retry }: { error: unknown; retry: () => void }) {
  const ways = useQuery({
    queryKey: ["sign-in ways"],
    queryFn: () => call(getSignInWays()),
    enabled: !error,
    retry: false,
  });
  const trouble = error || ways.error;
  return (
    <SignInCard>
      {trouble ? (
        <ErrorState error={trouble} retry={error ? retry : () => void ways.refetch()} />
      ) : ways.data?.is_team && !ways.data.needs_administrator ? (
        <Password />
      ) : (
        ways.data && <Token isFirst={ways.data.needs_administrator} />
      )}
    </SignInCard>
  );
}

/** Where people sign in. */
function Password() {
  const client = useQueryClient();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const signIn = useMutation({
    mutationFn: () => call(createSessionWithPassword({ body: { email, password } })),
    onSuccess: (session) => client.setQueryData(["session"], session),
    onError: () => setPassword(""),
  });
  const problem = signIn.isError ? problemOf(signIn.error) : null;
  return (
    <SignInForm onSubmit={() => email.trim() && password && signIn.mutate()}>
      <h1>Sign in</h1>
      <TextInput
        label="E-mail address"
        type="email"
        name="email"
        autoComplete="username"
        value={email}
        onChange={(event) => setEmail(event.currentTarget.value)}
        data-autofocus
      />
      <PasswordInput
        label="Password"
        name="password"
        autoComplete="current-password"
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      {problem && (
        <p role="alert" className="bad small">
          {problem.title}. {problem.status === 429 && `${problem.detail} `}
          {problem.action}
        </p>
      )}
      <Button
        type="submit"
        variant="primary"
        loading={signIn.isPending}
        disabled={!email.trim() || !password}
      >
        Sign in
      </Button>
      <p className="dim small">
        No account, or forgot the password? An administrator of this studio makes you a link that sets one.
      </p>
    </SignInForm>
  );
}

/** Where one person works, or nobody has an account yet: whoever can read what the server printed gets in. */
function Token({ isFirst }: { isFirst: boolean }) {
  const client = useQueryClient();
  const [token, setToken] = useState("");
  const signIn = useMutation({
    mutationFn: () => call(createSession({ body: { token: tokenIn(token) } })),
    onSuccess: (session) => client.setQueryData(["session"], session),
  });
  return (
    <SignInForm onSubmit={() => token.trim() && signIn.mutate()}>
      <h1>Open the address printed by fluxtune serve</h1>
      <p className="dim">
        {isFirst
          ? "Nobody has an account here yet. That address makes the first administrator, who invites the others. "
          : "It signs this browser in. "}
        Or paste the token at its end here; it is the part after <span className="mono">token=</span>.
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
    </SignInForm>
  );
}

/** The token of a whole pasted address, or what was pasted. */
function tokenIn(pasted: string): string {
  return /[?&]token=([^&\s]+)/.exec(pasted)?.[1] ?? pasted.trim();
}
