import { Radio, TextInput } from "@mantine/core";

import type { Dataset, DatasetUpdate } from "@/api/generated";

import classes from "./DatasetSettings.module.css";
import { MODES } from "./problems";
import { useAutosave } from "./useAutosave";

/** What is taught, and the word that will call it up. */
export function DatasetSettings({
  dataset,
  onUpdate,
}: {
  dataset: Dataset;
  onUpdate: (body: DatasetUpdate) => Promise<unknown>;
}) {
  const trigger = useAutosave(dataset.trigger_word, (trigger_word) =>
    onUpdate({ trigger_word: trigger_word.trim() }),
  );
  return (
    <section aria-label="About this dataset" className={classes.panel}>
      <Radio.Group
        label="What do these images show?"
        value={dataset.mode}
        onChange={(mode) => void onUpdate({ mode: mode as Dataset["mode"] }).catch(() => undefined)}
      >
        <div className={classes.modes}>
          {Object.entries(MODES).map(([value, { title, what }]) => (
            <Radio.Card key={value} value={value} className={classes.mode} radius="md">
              <Radio.Indicator size="xs" />
              <span>
                <span className={classes.modeTitle}>{title}</span>
                <span className={classes.what}>{what}</span>
              </span>
            </Radio.Card>
          ))}
        </div>
      </Radio.Group>
      <TextInput
        label="Trigger word"
        description="A made-up word that will call up what is learned, such as “zubo”. Use it in the captions."
        value={trigger.text}
        maxLength={60}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => trigger.type(event.currentTarget.value)}
        onBlur={trigger.flush}
        rightSectionWidth={64}
        rightSection={
          trigger.state === "idle" ? null : (
            <span className={classes.saving}>
              {trigger.state === "saving" ? "Saving…" : trigger.state === "saved" ? "Saved" : "Not saved"}
            </span>
          )
        }
      />
    </section>
  );
}
