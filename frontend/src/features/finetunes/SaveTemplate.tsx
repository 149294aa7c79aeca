import { Button, Modal, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { fieldErrors } from "@/api/problem";
import { countOf } from "@/components/format";
import { ErrorState } from "@/components/ProblemCard";

import type { Draft } from "./draft";
import { useTemplateActions } from "./templates";

/** Keep the choices and settings of this draft under a name. */
export function SaveTemplate({
  draft,
  isOpen,
  onClose,
}: {
  draft: Draft;
  isOpen: boolean;
  onClose: () => void;
}) {
  const { save } = useTemplateActions();
  const [name, setName] = useState("");
  const saving = useMutation({
    mutationFn: () => save(name.trim(), draft),
    onSuccess: () => {
      setName("");
      onClose();
    },
  });
  const message = fieldErrors(saving.error).name;
  const set = Object.keys(draft.recipe).length;
  return (
    <Modal opened={isOpen} onClose={onClose} title="Save as template">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim()) saving.mutate();
        }}
      >
        <TextInput
          label="Name of the template"
          value={name}
          maxLength={120}
          error={message}
          data-autofocus
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <p className="dim small">
          Keeps where it trains, what is taught, how good, and{" "}
          {set ? `the ${countOf(set, "setting")} set here` : "no further settings"}. What is not set is chosen
          as always.
        </p>
        {saving.isError && !message && <ErrorState error={saving.error} />}
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <Button variant="quiet" onClick={onClose}>
            Not now
          </Button>
          <Button type="submit" variant="primary" loading={saving.isPending} disabled={!name.trim()}>
            Save
          </Button>
        </div>
      </form>
    </Modal>
  );
}
