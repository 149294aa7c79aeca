import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "@/api/call";
import { acceptInvitation, readInvitation, type InvitationFacts } from "@/api/generated";
import { fieldErrors, problemOf } from "@/api/problem";
import { ErrorState } from "@/components/ProblemCard";
import { SignInCard, SignInForm } from "@/components/SignInCard";

/** Where a link of an administrator leads: the first password, or a new one. What stands behind # reaches no log. */
export function InvitationPage() {
  const token = window.location.hash.slice(1);
  const facts = useQuery({
    queryKey: ["invitation", token],
    queryFn: () => call(readInvitation({ body: { token } })),
    retry: false,
    staleTime: Infinity,
  });
  return (
    <SignInCard>
      {facts.error ? (
        <ErrorState error={facts.error} retry={() => void facts.refetch()} />
      ) : (
        facts.data && <Accept facts={facts.data} token={token} />
      )}
    </SignInCard>
  );
}

function Accept({ facts, token }: { facts: InvitationFacts; token: string }) {
  const [name, setName] = useState(facts.name);
  const [password, setPassword] = useState("");
  const accept = useMutation({
    mutationFn: () => call(acceptInvitation({ body: { token, password, name: name.trim() } })),
    // The address with the token leaves the history, and nothing another person saw stays in memory.
    onSuccess: () => window.location.replace("/"),
  });
  const errors = fieldErrors(accept.error);
  const isReady = name.trim() && password;
  return (
    <SignInForm onSubmit={() => isReady && accept.mutate()}>
      <h1>{facts.is_new ? `Welcome, ${facts.name}` : "Set a new password"}</h1>
      <p className="dim">
        {facts.is_new
          ? `You are invited to this studio as ${facts.role}. From now on you sign in as ${facts.email}.`
          : `For ${facts.email}. You are signed out wherever you were signed in with the old one.`}
      </p>
      {facts.is_new && (
        <TextInput
          label="Your name"
          description="What the others see"
          autoComplete="name"
          value={name}
          maxLength={80}
          error={errors.name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
      )}
      <input type="email" name="email" autoComplete="username" value={facts.email} readOnly hidden />
      <PasswordInput
        label="Password"
        description="At least 10 characters; a few unrelated words are good."
        autoComplete="new-password"
        value={password}
        error={errors.password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        data-autofocus
      />
      {accept.isError && Object.keys(errors).length === 0 && (
        <p role="alert" className="bad small">
          {problemOf(accept.error).title}. {problemOf(accept.error).action}
        </p>
      )}
      <Button type="submit" variant="primary" loading={accept.isPending} disabled={!isReady}>
        {facts.is_new ? "Join" : "Set the password"}
      </Button>
    </SignInForm>
  );
}
