import { Button, Checkbox, Modal, Radio, SegmentedControl } from "@mantine/core";
import { useState } from "react";

import { toastProblem } from "@/components/undo";

import type { DialogProps } from "./CaptionBar";
import classes from "./CaptionBar.module.css";
import { Preview, usePreview } from "./Preview";

type Action = "insert" | "move" | "remove";

const CHOICES: Record<Action, { title: string; what: string }> = {
  insert: { title: "Insert where it is missing", what: "Captions that have it stay as they are." },
  move: { title: "Move", what: "To one place in every caption that has it." },
  remove: { title: "Remove", what: "The training then puts it in front by itself." },
};

/** The trigger word in many captions at once. */
export function TriggerDialog({ dataset, ids, about, actions, isOpen, onClose }: DialogProps) {
  const [action, setAction] = useState<Action>("insert");
  const [place, setPlace] = useState<"start" | "end">("start");
  const [fillEmpty, setFillEmpty] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const word = dataset.trigger_word;
  const body = word
    ? {
        edit: { kind: "trigger" as const, action, place, fill_empty: fillEmpty },
        dataset_image_ids: ids,
      }
    : null;
  const { preview } = usePreview(dataset.id, body);
  const submit = async () => {
    if (!body) return;
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
    <Modal opened={isOpen} onClose={onClose} title={`Trigger word · ${about}`} size="lg">
      {word ? (
        <form
          className={classes.form}
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
        >
          <Radio.Group
            label={`What shall become of “${word}”?`}
            value={action}
            onChange={(value) => setAction(value as Action)}
          >
            <div className={classes.choices} style={{ marginTop: 6 }}>
              {Object.entries(CHOICES).map(([value, { title, what }]) => (
                <Radio.Card key={value} value={value} className={classes.choice} radius="md">
                  <Radio.Indicator size="xs" />
                  <span>
                    <span className={classes.choiceTitle}>{title}</span>
                    <span className={classes.what}>{what}</span>
                  </span>
                </Radio.Card>
              ))}
            </div>
          </Radio.Group>
          {action !== "remove" && (
            <SegmentedControl
              aria-label="Where it stands"
              value={place}
              onChange={(value) => setPlace(value as "start" | "end")}
              data={[
                { value: "start", label: "In front" },
                { value: "end", label: "At the end" },
              ]}
            />
          )}
          {action === "insert" && (
            <Checkbox
              size="xs"
              label="Also where there is no caption yet"
              checked={fillEmpty}
              onChange={(event) => setFillEmpty(event.currentTarget.checked)}
            />
          )}
          <Preview preview={preview} />
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
              {CHOICES[action].title.split(" ")[0]}
            </Button>
          </div>
        </form>
      ) : (
        <p>
          This dataset has no trigger word yet. Choose one under “What do these images show?”: a made-up word
          that is no other word’s beginning, such as “zorbit”.
        </p>
      )}
    </Modal>
  );
}
