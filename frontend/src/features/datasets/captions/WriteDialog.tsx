import { Button, Modal, Radio, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Plus, Sparkles } from "lucide-react";
import { useState } from "react";

import type { CaptionCounts, Captioner, CaptionJobCreate } from "@/api/generated";
import { countOf } from "@/components/format";
import { Loaded } from "@/components/Loaded";
import { useDraft } from "@/components/useDraft";
import { toastProblem } from "@/components/undo";

import type { DialogProps } from "./CaptionBar";
import classes from "./CaptionBar.module.css";
import { EndpointForm } from "./EndpointForm";
import { PromptField } from "./PromptField";
import { captionersQuery, countsQuery } from "./queries";

type Scope = NonNullable<CaptionJobCreate["scope"]>;

interface WriteDraft {
  captioner: string;
  model: string;
}

function scopesOf(counts: CaptionCounts): { value: Scope; title: string; what: string; count: number }[] {
  const { empty_count, auto_count, typed_count, imported_count, image_count } = counts;
  const own = [
    typed_count > 0 && `${typed_count} typed by hand`,
    imported_count > 0 && `${imported_count} that came with files`,
    auto_count > 0 && `${auto_count} automatic`,
  ].filter(Boolean);
  return [
    {
      value: "empty",
      title: `Only images without a caption (${empty_count})`,
      what: "Nothing is overwritten.",
      count: empty_count,
    },
    {
      value: "auto",
      title: `Also automatic ones, anew (${empty_count + auto_count})`,
      what: "What somebody typed or brought along stays.",
      count: empty_count + auto_count,
    },
    {
      value: "all",
      title: `All (${image_count})`,
      what: own.length > 0 ? `Overwrites ${own.join(", ")}. It can be undone.` : "Nothing is overwritten.",
      count: image_count,
    },
  ];
}

function CaptionerChoice({ captioner }: { captioner: Captioner }) {
  return (
    <Radio.Card
      value={captioner.id}
      className={classes.choice}
      radius="md"
      disabled={!captioner.is_ready}
      aria-label={captioner.name}
    >
      <Radio.Indicator size="xs" />
      <span>
        <span className={classes.choiceTitle}>{captioner.name}</span>
        <span className={classes.what}>
          {captioner.is_ready ? captioner.what : `${captioner.reason} ${captioner.action}`}
        </span>
        {captioner.sends_images && (
          <span className={`${classes.what} ${classes.away}`}>The images are sent there.</span>
        )}
      </span>
    </Radio.Card>
  );
}

/** Who writes captions, for which images, and what is asked; then it starts. */
export function WriteDialog({ dataset, ids, about, actions, isOpen, onClose }: DialogProps) {
  const [draft, update] = useDraft<WriteDraft>("captioner", { captioner: "pocket", model: "" });
  const [scope, setScope] = useState<Scope>("empty");
  const [prompt, setPrompt] = useState<string | null>(null);
  const [isAdding, setAdding] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const captioners = useQuery(captionersQuery);
  const counts = useQuery(countsQuery(dataset.id, ids));
  const chosen = captioners.data?.find(({ id }) => id === draft.captioner) ?? captioners.data?.[0];
  const scopes = counts.data ? scopesOf(counts.data) : [];
  const count = scopes.find(({ value }) => value === scope)?.count ?? 0;
  const lacksModel = chosen?.kind === "model" && !chosen.source && draft.model.trim() === "";
  const submit = async () => {
    if (!chosen) return;
    setBusy(true);
    try {
      await actions.start({
        captioner: chosen.id,
        scope,
        dataset_image_ids: ids,
        prompt: chosen.takes_prompt ? prompt : null,
        model: chosen.kind === "model" && draft.model.trim() ? draft.model.trim() : null,
      });
      onClose();
    } catch (problem) {
      toastProblem(problem);
    }
    setBusy(false);
  };
  return (
    <Modal opened={isOpen} onClose={onClose} title={`Write captions · ${about}`} size="lg">
      {isAdding ? (
        <EndpointForm
          onDone={(id) => {
            if (id) update({ captioner: `endpoint:${id}` });
            setAdding(false);
          }}
        />
      ) : (
        <Loaded query={captioners} skeleton={<p className="dim small">Loading…</p>}>
          {(list) => (
            <form
              className={classes.form}
              onSubmit={(event) => {
                event.preventDefault();
                void submit();
              }}
            >
              <Radio.Group
                label="Who writes them?"
                value={chosen?.id ?? ""}
                onChange={(captioner) => update({ captioner })}
              >
                <div className={classes.choices} style={{ marginTop: 6 }}>
                  {list.map((each) => (
                    <CaptionerChoice key={each.id} captioner={each} />
                  ))}
                </div>
              </Radio.Group>
              <Button
                size="compact-sm"
                variant="quiet"
                leftSection={<Plus size={14} />}
                style={{ alignSelf: "flex-start" }}
                onClick={() => setAdding(true)}
              >
                Add Ollama, LM Studio or another server
              </Button>
              {chosen?.kind === "model" && (
                <TextInput
                  label="Model"
                  description="A folder, or the name of a downloaded one, such as florence-community/Florence-2-base."
                  placeholder={chosen.source}
                  value={draft.model}
                  spellCheck={false}
                  onChange={(event) => update({ model: event.currentTarget.value })}
                />
              )}
              <Radio.Group
                label="For which images?"
                value={scope}
                onChange={(value) => setScope(value as Scope)}
              >
                <div className={classes.choices} style={{ marginTop: 6 }}>
                  {scopes.map(({ value, title, what }) => (
                    <Radio key={value} value={value} label={title} description={what} size="sm" />
                  ))}
                </div>
              </Radio.Group>
              {chosen?.takes_prompt && (
                <PromptField mode={dataset.mode} value={prompt} onChange={setPrompt} />
              )}
              <div className={classes.foot}>
                <Button variant="quiet" onClick={onClose}>
                  Not now
                </Button>
                <Button
                  type="submit"
                  variant="primary"
                  leftSection={<Sparkles size={15} />}
                  loading={isBusy}
                  disabled={count === 0 || !chosen?.is_ready || lacksModel}
                >
                  Write {count > 0 ? countOf(count, "caption") : "captions"}
                </Button>
              </div>
            </form>
          )}
        </Loaded>
      )}
    </Modal>
  );
}
