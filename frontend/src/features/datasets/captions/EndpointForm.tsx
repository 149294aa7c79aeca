import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "@/api/call";
import { addCaptionEndpoint } from "@/api/generated";
import { fieldErrors } from "@/api/problem";
import { ErrorState } from "@/components/ProblemCard";

import classes from "./CaptionBar.module.css";

const EMPTY = { name: "", url: "http://localhost:11434/v1", model: "", key: "" };

/** Add a server that describes images; its key is kept encrypted. */
export function EndpointForm({ onDone }: { onDone: (id: string | null) => void }) {
  const client = useQueryClient();
  const [typed, setTyped] = useState(EMPTY);
  const add = useMutation({
    mutationFn: () =>
      call(addCaptionEndpoint({ body: { ...typed, name: typed.name.trim() || typed.model } })),
    onSuccess: async ({ id }) => {
      await client.invalidateQueries({ queryKey: ["captioners"] });
      onDone(id);
    },
  });
  const wrong = fieldErrors(add.error);
  const field = (name: keyof typeof EMPTY) => ({
    value: typed[name],
    error: wrong[name],
    onChange: (event: { currentTarget: HTMLInputElement }) => {
      const { value } = event.currentTarget;
      setTyped((old) => ({ ...old, [name]: value }));
    },
  });
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        add.mutate();
      }}
    >
      <TextInput
        label="Address"
        description="Of anything that speaks OpenAI’s chat completions. Ollama: http://localhost:11434/v1, LM Studio: http://localhost:1234/v1."
        data-autofocus
        spellCheck={false}
        {...field("url")}
      />
      <TextInput
        label="Model"
        description="One that sees images, such as qwen2.5vl or gpt-4o-mini."
        spellCheck={false}
        {...field("model")}
      />
      <TextInput label="Name" placeholder={typed.model || "As you call it"} {...field("name")} />
      <PasswordInput
        label="Key"
        description="Kept encrypted. Servers on this computer mostly need none."
        autoComplete="off"
        {...field("key")}
      />
      {add.isError && <ErrorState error={add.error} />}
      <div className={classes.foot}>
        <Button variant="quiet" onClick={() => onDone(null)}>
          Back
        </Button>
        <Button
          type="submit"
          variant="primary"
          loading={add.isPending}
          disabled={!typed.model.trim() || !typed.url.trim()}
        >
          Add
        </Button>
      </div>
    </form>
  );
}
