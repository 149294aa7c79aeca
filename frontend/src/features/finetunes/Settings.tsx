import { Button, PasswordInput, SegmentedControl, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { Dataset, FieldProblem, RecipeDocument } from "@/api/generated";
import { recipeSchemaQuery } from "@/api/queries";
import { SchemaForm } from "@/components/schema-form/SchemaForm";

import { fromDocument, signatureOf, type Draft } from "./draft";
import classes from "./NewFinetune.module.css";
import { RecipeEditor } from "./RecipeEditor";
import { settingsSet, writeRecipe } from "./recipeText";

type Settings = Record<string, unknown>;

interface SettingsProps {
  draft: Draft;
  dataset: Dataset | undefined;
  datasets: Dataset[];
  /** What the choices alone would give. */
  usual: Settings;
  /** That is still being asked. */
  isUsualPending: boolean;
  reasons: Record<string, string>;
  errors: Record<string, string>;
  secret: string;
  onSecret: (secret: string) => void;
  update: (by: Partial<Draft>) => void;
}

/** Who is told when the run ends, besides the person looking. */
function Webhook({ draft, errors, secret, onSecret, update }: SettingsProps) {
  return (
    <fieldset className={classes.webhook}>
      <legend>At the end</legend>
      <TextInput
        label="Webhook"
        description="An address that is told how the run ended, by POST."
        placeholder="https://"
        type="url"
        value={draft.webhook_url}
        error={errors.webhook_url}
        maxLength={2000}
        onChange={(event) => update({ webhook_url: event.currentTarget.value })}
      />
      {draft.webhook_url.trim() && (
        <PasswordInput
          label="Secret"
          description="Signs what is sent. Kept encrypted, never shown again."
          value={secret}
          error={errors.webhook_secret}
          minLength={8}
          maxLength={200}
          autoComplete="off"
          onChange={(event) => onSecret(event.currentTarget.value)}
        />
      )}
    </fieldset>
  );
}

const datasetLine = (text: string) => text.split("\n").findIndex((line) => /^dataset:/.test(line)) + 1;

/** The document's dataset, by id or name; the present one where it names none. */
function datasetOf(document: RecipeDocument, draft: Draft, datasets: Dataset[]): string | null {
  if (!document.dataset) return draft.dataset_id;
  const wanted = document.dataset;
  return datasets.find(({ id, name }) => id === wanted || name === wanted)?.id ?? null;
}

function AsText({ draft, dataset, datasets, usual, update }: SettingsProps) {
  const [further, setFurther] = useState<FieldProblem[]>([]);
  const isOwn = draft.text !== null && (draft.textFor === null || draft.textFor === signatureOf(draft));
  const text = isOwn
    ? (draft.text ?? "")
    : writeRecipe(
        {
          name: draft.name.trim(),
          dataset: dataset?.name,
          trigger_word: draft.trigger_word.trim(),
          base: draft.base,
          mode: draft.mode || undefined,
          quality: draft.quality || null,
        },
        settingsSet(draft.recipe, usual),
        usual,
      );
  const read = (document: RecipeDocument) => {
    if (!isOwn) return;
    const datasetId = datasetOf(document, draft, datasets);
    if (datasetId === null) {
      const message = `Line ${datasetLine(text)}: There is no dataset “${document.dataset}”.`;
      setFurther([{ field: "dataset", message }]);
      return;
    }
    setFurther([]);
    const next = fromDocument(draft, document, datasetId);
    update({ ...next, textFor: signatureOf(next) });
  };
  return (
    <RecipeEditor
      text={text}
      further={further}
      onChange={(typed) => {
        setFurther([]);
        update({ text: typed, textFor: null });
      }}
      onRead={read}
    />
  );
}

function AsForm(props: SettingsProps & { onText: () => void }) {
  const { draft, usual, isUsualPending, reasons, errors, update, onText } = props;
  const schema = useQuery(recipeSchemaQuery).data;
  if (draft.text !== null && draft.textFor === null)
    return (
      <div className={classes.unread} role="status">
        <p>The YAML has something that can’t be read yet. It is kept as typed.</p>
        <div className="row">
          <Button size="xs" variant="primary" onClick={onText}>
            Go on in the YAML
          </Button>
          <Button size="xs" variant="default" onClick={() => update({ text: null })}>
            Drop it and use the form
          </Button>
        </div>
      </div>
    );
  // Shown before that, the schema's own values would be taken for what happens, and typing them would change nothing.
  if (!schema || isUsualPending) return <p className="dim small">Working out the settings…</p>;
  return (
    <SchemaForm
      schema={schema}
      values={settingsSet(draft.recipe, usual)}
      usual={usual}
      errors={errors}
      reasons={reasons}
      extra={<Webhook {...props} />}
      isExtraSet={draft.webhook_url !== ""}
      onChange={(recipe) => update({ recipe })}
    />
  );
}

/** Every further setting: as a form, or as the YAML that says the same. */
export function RecipeSettings(props: SettingsProps) {
  const [view, setView] = useState("form");
  return (
    <section aria-label="Settings" className="stack">
      <SegmentedControl
        size="sm"
        aria-label="Settings as"
        data={[
          { value: "form", label: "Form" },
          { value: "yaml", label: "YAML" },
        ]}
        value={view}
        onChange={setView}
        style={{ alignSelf: "flex-start" }}
      />
      {view === "yaml" ? <AsText {...props} /> : <AsForm {...props} onText={() => setView("yaml")} />}
    </section>
  );
}
