import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "@/api/call";
import { createFirstAdministrator } from "@/api/generated";
import { fieldErrors, problemOf } from "@/api/problem";
import { SignInCard, SignInForm } from "@/components/SignInCard";

/** The first thing in a studio that others reach: somebody who looks after it. */
export function FirstAdministratorPage() {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const create = useMutation({
    mutationFn: () =>
      call(createFirstAdministrator({ body: { name: name.trim(), email: email.trim(), password } })),
    onSuccess: (session) => client.setQueryData(["session"], session),
  });
  const errors = fieldErrors(create.error);
  const isReady = name.trim() && email.trim() && password;
  return (
    <SignInCard>
      <SignInForm onSubmit={() => isReady && create.mutate()}>
        <h1>Make the first administrator</h1>
        <p className="dim">
          Others can reach this studio, so everybody signs in here. The administrator invites people, says
          what they may, and keeps keys and settings.
        </p>
        <TextInput
          label="Your name"
          autoComplete="name"
          value={name}
          maxLength={80}
          error={errors.name}
          onChange={(event) => setName(event.currentTarget.value)}
          data-autofocus
        />
        <TextInput
          label="E-mail address"
          type="email"
          autoComplete="username"
          value={email}
          error={errors.email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          description="At least 10 characters; a few unrelated words are good."
          autoComplete="new-password"
          value={password}
          error={errors.password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        {create.isError && Object.keys(errors).length === 0 && (
          <p role="alert" className="bad small">
            {problemOf(create.error).title}. {problemOf(create.error).action}
          </p>
        )}
        <Button type="submit" variant="primary" loading={create.isPending} disabled={!isReady}>
          Make the administrator
        </Button>
      </SignInForm>
    </SignInCard>
  );
}
