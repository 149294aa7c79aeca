import { ActionIcon, Button, FileButton, Modal, Textarea, Tooltip } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Download, Trash2, Upload } from "lucide-react";
import { useState } from "react";

import type { Template } from "@/api/generated";
import { templatesQuery } from "@/api/queries";
import { countOf } from "@/components/format";
import { InlineName } from "@/components/InlineName";
import { ErrorState } from "@/components/ProblemCard";
import { Fold } from "@/components/schema-form/SchemaForm";

import classes from "./NewFinetune.module.css";
import { useTemplateActions } from "./templates";

function Entry({ template }: { template: Template }) {
  const { rename, remove } = useTemplateActions();
  const { id, name, base, mode, quality, recipe } = template;
  const about = [base, mode, quality, countOf(Object.keys(recipe).length, "setting")].filter(Boolean);
  return (
    <li>
      <div style={{ flex: 1, minWidth: 0 }}>
        <InlineName
          value={name}
          label={`Name of template ${name}`}
          size="body"
          onSave={(next) => void rename(id, next)}
        />
        <p className="dim small">{about.join(" · ")}</p>
      </div>
      <Tooltip label="Download as YAML">
        <ActionIcon
          component="a"
          href={`/api/templates/${id}/file`}
          download
          aria-label={`Export template ${name}`}
        >
          <Download size={16} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Delete">
        <ActionIcon aria-label={`Delete template ${name}`} onClick={() => void remove(template)}>
          <Trash2 size={16} />
        </ActionIcon>
      </Tooltip>
    </li>
  );
}

/** Take a recipe document over, from a file or as text. */
function Import() {
  const { take } = useTemplateActions();
  const [text, setText] = useState("");
  const taking = useMutation({ mutationFn: take, onSuccess: () => setText("") });
  const read = async (file: File | null) => {
    if (!file) return;
    const content = await file.text();
    setText(content);
    taking.mutate(content);
  };
  return (
    <div className="stack">
      <FileButton accept=".yaml,.yml,.json,text/yaml" onChange={(file) => void read(file)}>
        {(props) => (
          <Button {...props} variant="default" leftSection={<Upload size={16} />} loading={taking.isPending}>
            Import a file
          </Button>
        )}
      </FileButton>
      <Fold title="Paste a recipe" always={taking.isError && text && <ErrorState error={taking.error} />}>
        <div className="stack">
          <Textarea
            label="Recipe as YAML"
            value={text}
            autosize
            minRows={5}
            maxRows={14}
            spellCheck={false}
            classNames={{ input: "mono" }}
            onChange={(event) => {
              setText(event.currentTarget.value);
              taking.reset();
            }}
          />
          {taking.isError && <ErrorState error={taking.error} />}
          <Button variant="default" disabled={!text.trim()} onClick={() => taking.mutate(text)}>
            Add to the templates
          </Button>
        </div>
      </Fold>
    </div>
  );
}

export function ManageTemplates({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const templates = useQuery({ ...templatesQuery, enabled: isOpen }).data ?? [];
  return (
    <Modal opened={isOpen} onClose={onClose} title="Templates" size="lg">
      {templates.length === 0 ? (
        <p className="dim" style={{ marginBottom: 16 }}>
          A template keeps a recipe under a name. Save one from New finetune, or import a file.
        </p>
      ) : (
        <ul className={classes.templates} aria-label="Templates">
          {templates.map((template) => (
            <Entry key={template.id} template={template} />
          ))}
        </ul>
      )}
      <Import />
    </Modal>
  );
}
