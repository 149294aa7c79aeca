import { Textarea } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useState } from "react";

/** Notes saved as they are typed. */
export function Notes({ value, onSave }: { value: string; onSave: (notes: string) => Promise<unknown> }) {
  const [typed, setTyped] = useState<string | null>(null);
  const [state, setState] = useState("");
  const save = useDebouncedCallback(
    (notes: string) => {
      onSave(notes).then(
        () => setState("Saved"),
        () => setState("Not saved"),
      );
    },
    { delay: 600, flushOnUnmount: true },
  );
  return (
    <Textarea
      label="Notes"
      placeholder="What it is good at, what to avoid…"
      value={typed ?? value}
      autosize
      minRows={3}
      maxRows={16}
      maxLength={10_000}
      description={state}
      inputWrapperOrder={["label", "input", "description"]}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        setState("Saving…");
        save(event.currentTarget.value);
      }}
      onBlur={() => save.flush()}
    />
  );
}
