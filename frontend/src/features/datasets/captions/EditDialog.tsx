import { Button, Checkbox, Modal, SegmentedControl, TextInput } from "@mantine/core";
import { useState } from "react";

import type { CaptionStepCreate } from "@/api/generated";
import { useDraft } from "@/components/useDraft";
import { toastProblem } from "@/components/undo";

import type { DialogProps } from "./CaptionBar";
import classes from "./CaptionBar.module.css";
import { Preview, usePreview } from "./Preview";

type Kind = "replace" | "start" | "end" | "tag";

interface EditDraft {
  kind: Kind;
  find: string;
  replace: string;
  text: string;
  isRegex: boolean;
  matchCase: boolean;
  wholeWords: boolean;
  fillEmpty: boolean;
}

const EMPTY: EditDraft = {
  kind: "replace",
  find: "",
  replace: "",
  text: "",
  isRegex: false,
  matchCase: false,
  wholeWords: false,
  fillEmpty: false,
};

function editOf(draft: EditDraft): CaptionStepCreate["edit"] | null {
  if (draft.kind === "replace")
    return draft.find === ""
      ? null
      : {
          kind: "replace",
          find: draft.find,
          replace: draft.replace,
          is_regex: draft.isRegex,
          match_case: draft.matchCase,
          whole_words: draft.wholeWords,
        };
  if (draft.kind === "tag")
    return draft.find.trim() === ""
      ? null
      : { kind: "tag", tag: draft.find.trim(), replace: draft.replace.trim() };
  return draft.text.trim() === ""
    ? null
    : {
        kind: "add",
        text: draft.text.trim(),
        place: draft.kind,
        joint: ", ",
        fill_empty: draft.fillEmpty,
      };
}

/** Find and replace, words before or after, tags: with what would change, before it does. */
export function EditDialog({ dataset, ids, about, actions, isOpen, onClose }: DialogProps) {
  const [draft, update] = useDraft<EditDraft>(`caption-edit:${dataset.id}`, EMPTY);
  const [isBusy, setBusy] = useState(false);
  const edit = editOf(draft);
  const body = edit && { edit, dataset_image_ids: ids };
  const { preview, error } = usePreview(dataset.id, body);
  const wrong = (field: string) => error?.errors.find((one) => one.field.endsWith(field))?.message;
  const submit = async () => {
    if (!body || !preview || preview.changed_count === 0) return;
    setBusy(true);
    try {
      await actions.apply(body);
      onClose();
    } catch (problem) {
      toastProblem(problem);
    }
    setBusy(false);
  };
  return (
    <Modal opened={isOpen} onClose={onClose} title={`Change captions · ${about}`} size="lg">
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <SegmentedControl
          value={draft.kind}
          onChange={(kind) => update({ kind: kind as Kind })}
          data={[
            { value: "replace", label: "Replace" },
            { value: "start", label: "In front" },
            { value: "end", label: "At the end" },
            { value: "tag", label: "Tag" },
          ]}
        />
        {draft.kind === "replace" || draft.kind === "tag" ? (
          <>
            <TextInput
              data-autofocus
              label={draft.kind === "tag" ? "Tag, one of the parts between commas" : "Find"}
              value={draft.find}
              error={wrong("find") ?? wrong("tag")}
              spellCheck={false}
              onChange={(event) => update({ find: event.currentTarget.value })}
            />
            <TextInput
              label={draft.kind === "tag" ? "Call it" : "Replace by"}
              placeholder="Nothing: it is removed"
              value={draft.replace}
              error={wrong("replace")}
              spellCheck={false}
              onChange={(event) => update({ replace: event.currentTarget.value })}
            />
          </>
        ) : (
          <TextInput
            data-autofocus
            label="Words"
            value={draft.text}
            onChange={(event) => update({ text: event.currentTarget.value })}
          />
        )}
        {draft.kind === "replace" && (
          <div className="row" style={{ flexWrap: "wrap", gap: "8px 18px" }}>
            <Checkbox
              size="xs"
              label="Whole words"
              checked={draft.wholeWords}
              onChange={(event) => update({ wholeWords: event.currentTarget.checked })}
            />
            <Checkbox
              size="xs"
              label="Upper and lower case as typed"
              checked={draft.matchCase}
              onChange={(event) => update({ matchCase: event.currentTarget.checked })}
            />
            <Checkbox
              size="xs"
              label="Regular expression"
              checked={draft.isRegex}
              onChange={(event) => update({ isRegex: event.currentTarget.checked })}
            />
          </div>
        )}
        {(draft.kind === "start" || draft.kind === "end") && (
          <Checkbox
            size="xs"
            label="Also where there is no caption yet"
            checked={draft.fillEmpty}
            onChange={(event) => update({ fillEmpty: event.currentTarget.checked })}
          />
        )}
        {error && !wrong("find") && !wrong("replace") && !wrong("tag") ? (
          <p role="alert">{error.detail || error.title}</p>
        ) : (
          <Preview preview={preview} />
        )}
        <div className={classes.foot}>
          <Button variant="quiet" onClick={onClose}>
            Not now
          </Button>
          <Button
            type="submit"
            variant="primary"
            loading={isBusy}
            disabled={!preview || preview.changed_count === 0}
          >
            Change {preview && preview.changed_count > 0 ? preview.changed_count.toLocaleString("en") : ""}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
