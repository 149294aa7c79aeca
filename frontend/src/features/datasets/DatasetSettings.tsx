import { Radio, Textarea, TextInput } from "@mantine/core";

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
  const source = useAutosave(dataset.source, (text) => onUpdate({ source: text }));
  const licence = useAutosave(dataset.licence, (text) => onUpdate({ licence: text }));
  const notes = useAutosave(dataset.notes, (text) => onUpdate({ notes: text }));
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
        data-lead="trigger-word"
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
      <details className={classes.more} open={Boolean(dataset.source || dataset.licence || dataset.notes)}>
        <summary>Source, licence and notes</summary>
        <TextInput
          label="Source"
          placeholder="Who made the images, or where they are from"
          maxLength={2000}
          value={source.text}
          onChange={(event) => source.type(event.currentTarget.value)}
          onBlur={source.flush}
        />
        <TextInput
          label="Licence"
          placeholder="CC BY 4.0, own work…"
          maxLength={120}
          value={licence.text}
          onChange={(event) => licence.type(event.currentTarget.value)}
          onBlur={licence.flush}
        />
        <Textarea
          label="Notes"
          autosize
          minRows={2}
          maxRows={8}
          maxLength={10000}
          value={notes.text}
          onChange={(event) => notes.type(event.currentTarget.value)}
          onBlur={notes.flush}
        />
      </details>
    </section>
  );
}
