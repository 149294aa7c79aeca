import { ActionIcon, Button, Menu, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { Boxes, CloudUpload, Download, Ellipsis, Sparkles, Trash2 } from "lucide-react";
import { useState } from "react";

import type { Model } from "@/api/generated";
import { modelQuery } from "@/api/queries";
import { useMay } from "@/api/session";
import { TriggerChip } from "@/components/CopyButton";
import { countOf } from "@/components/format";
import { HealthPanel } from "@/components/health/HealthPanel";
import { InlineName } from "@/components/InlineName";
import { Loaded } from "@/components/Loaded";
import { Changing, Fields, May, useStanding, WhyNot } from "@/components/may/May";
import { Page } from "@/components/Page";
import { Picture } from "@/components/Picture";
import { FREE } from "@/components/may/standing";
import { ShareButton } from "@/components/sharing/ShareButton";
import { Badge } from "@/components/StateBadge";
import { toastProblem } from "@/components/undo";

import { useModelActions } from "./actions";
import { AtBfl } from "./AtBfl";
import { BaseFacts } from "./BaseFacts";
import { drawnWith } from "./catalogue";
import { DeployDialog } from "./DeployDialog";
import { Details } from "./Details";
import { ExportItems } from "./ExportItems";
import classes from "./Models.module.css";
import { Notes } from "./Notes";
import { Parities } from "./Parities";
import { Provenance } from "./Provenance";
import { Versions } from "./Versions";

function Trigger({ model, onSave }: { model: Model; onSave: (word: string) => void }) {
  const [typed, setTyped] = useState<string | null>(null);
  const finish = () => {
    if (typed !== null && typed.trim() !== model.trigger_word) onSave(typed.trim());
    setTyped(null);
  };
  return (
    <TextInput
      label="Trigger word"
      description="Put it in a prompt to call up what was learned."
      value={typed ?? model.trigger_word}
      maxLength={60}
      spellCheck={false}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onBlur={finish}
      onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
    />
  );
}

export function ModelPage() {
  const { modelId } = useParams({ from: "/models/$modelId" });
  const navigate = useNavigate();
  const query = useQuery(modelQuery(modelId));
  const { update, remove } = useModelActions(modelId);
  const mayCreate = useMay("create");
  const [isDeploying, setDeploying] = useState(false);
  const model = query.data;
  const isBase = model?.kind === "base";
  const standing = useStanding("model", isBase ? "" : modelId);
  if (!model) {
    return (
      <Page title="Model">
        <Loaded query={query}>{() => null}</Loaded>
      </Page>
    );
  }
  const there = model.deployment;
  const isOnlyThere = there !== null && model.versions.length === 0;
  const inUse = model.versions.find(({ id }) => id === model.default_version_id);
  const quietly = (body: Parameters<typeof update>[0]) => void update(body).catch(() => undefined);
  const trash = () => remove(model.name).then(() => navigate({ to: "/models" }), toastProblem);

  return (
    <Changing by={isBase ? FREE : standing}>
      <Page
        title={model.name}
        above={<Link to="/models">Models</Link>}
        heading={
          isBase ? undefined : (
            <InlineName value={model.name} label="Name of the model" onSave={(name) => quietly({ name })} />
          )
        }
        sub={
          <span className="row">
            {isBase ? <Badge>Base</Badge> : <TriggerChip word={model.trigger_word} />}
            {model.description || `${model.mode ?? "finetuned"} on ${model.base}`}
            {model.image_count > 0 && (
              <Link to="/gallery" search={{ model: model.id }}>
                {countOf(model.image_count, "image")} made
              </Link>
            )}
          </span>
        }
        actions={
          <>
            {!isBase && <ShareButton kind="model" id={model.id} name={model.name} />}
            {!isBase && mayCreate && (
              <Menu position="bottom-end">
                <Menu.Target>
                  <ActionIcon size="lg" aria-label="More about this model">
                    <Ellipsis size={18} />
                  </ActionIcon>
                </Menu.Target>
                <Menu.Dropdown>
                  {!isOnlyThere && (
                    <>
                      <ExportItems model={model} />
                      <May>
                        <Menu.Item leftSection={<CloudUpload size={15} />} onClick={() => setDeploying(true)}>
                          {there ? "Link to BFL…" : "Deploy to BFL…"}
                        </Menu.Item>
                        <Menu.Divider />
                      </May>
                    </>
                  )}
                  <May>
                    <Menu.Item leftSection={<Trash2 size={15} />} onClick={() => void trash()}>
                      Move to trash
                    </Menu.Item>
                  </May>
                </Menu.Dropdown>
              </Menu>
            )}
            {inUse && mayCreate && (
              <Button
                component="a"
                href={inUse.file_url}
                download
                variant="default"
                leftSection={<Download size={16} />}
                aria-label="Download the model"
              >
                Download
              </Button>
            )}
            <May rule="create">
              <Button
                variant="primary"
                size="md"
                leftSection={<Sparkles size={16} />}
                disabled={!model.is_ready && !isOnlyThere}
                onClick={() => void navigate({ to: "/create", search: drawnWith(model) })}
              >
                Use it
              </Button>
            </May>
          </>
        }
      >
        <WhyNot />
        {!model.is_ready && model.missing && (
          <p className={isOnlyThere ? classes.elsewhere : classes.missing}>
            {model.missing} {isOnlyThere && "So it can't be exported, measured or drawn here."}
          </p>
        )}
        <div className={classes.layout}>
          <div className={classes.coverLarge}>
            {model.cover ? (
              <Picture image={model.cover} alt={`Cover of ${model.name}`} show={420} />
            ) : (
              <Boxes size={48} strokeWidth={1} aria-hidden />
            )}
          </div>
          <div className="stack" style={{ gap: 16 }}>
            {isBase ? <BaseFacts model={model} /> : <Provenance model={model} />}
            {there && <AtBfl model={model} deployment={there} />}
            {!isBase && !isOnlyThere && (
              <Versions model={model} onDefault={(id) => quietly({ default_version_id: id })} />
            )}
          </div>
          {!isBase && (
            <div className={`${classes.panel} stack`}>
              <Fields>
                <Trigger model={model} onSave={(trigger_word) => quietly({ trigger_word })} />
                <Details model={model} onSave={quietly} />
                <Notes value={model.notes} onSave={(notes) => update({ notes })} />
              </Fields>
            </div>
          )}
        </div>
        {!isBase && <DeployDialog model={model} isOpen={isDeploying} onClose={() => setDeploying(false)} />}
        {there && !isOnlyThere && <Parities modelId={model.id} />}
        {model.finetune_id && <HealthPanel finetuneId={model.finetune_id} modelId={model.id} />}
      </Page>
    </Changing>
  );
}
