import { ActionIcon, Button, Menu } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { Cloud, Ellipsis, GitCompareArrows, Image, Search, Unlink } from "lucide-react";
import { useState } from "react";

import type { Deployment, Model } from "@/api/generated";
import { ago } from "@/components/format";
import { dollars } from "@/components/hosted/money";
import { May } from "@/components/may/May";
import { Badge } from "@/components/StateBadge";

import { useDeployment } from "./deployments";
import classes from "./Models.module.css";
import { ParityDialog } from "./ParityDialog";

const STATES = {
  linked: { word: "Linked", tone: "quiet" },
  found: { word: "Found", tone: "good" },
  missing: { word: "Not found", tone: "bad" },
} as const;

interface MoreProps {
  deployment: Deployment;
  isOnlyThere: boolean;
  onProbe: () => void;
  onUnlink: () => void;
}

function More({ deployment, isOnlyThere, onProbe, onUnlink }: MoreProps) {
  const price = deployment.price === null ? "" : ` (${dollars(deployment.price)})`;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon aria-label="More about the link to BFL">
          <Ellipsis size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<Image size={15} />} onClick={onProbe}>
          Draw one small image there{price}
        </Menu.Item>
        {!isOnlyThere && (
          <Menu.Item leftSection={<Unlink size={15} />} onClick={onUnlink}>
            Unlink
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

/** What a model is called at BFL, whether BFL knows it, and what can be done with it there. */
export function AtBfl({ model, deployment }: { model: Model; deployment: Deployment }) {
  const navigate = useNavigate();
  const { lookUp, probe, unlink } = useDeployment(model);
  const [isAsking, setAsking] = useState(false);
  const [isComparing, setComparing] = useState(false);
  const { word, tone } = STATES[deployment.state];
  const isOnlyThere = model.versions.length === 0;
  const version = model.versions.find(({ id }) => id === deployment.version_id);
  const ask = async () => {
    setAsking(true);
    await lookUp();
    setAsking(false);
  };
  return (
    <section aria-label="At BFL" className={classes.panel}>
      <div className={classes.panelHead}>
        <h2>At BFL</h2>
        <Badge tone={tone}>{word}</Badge>
        <span className="dim small">since {ago(deployment.since)}</span>
        <May>
          <More
            deployment={deployment}
            isOnlyThere={isOnlyThere}
            onProbe={() => void probe()}
            onUnlink={() => void unlink()}
          />
        </May>
      </div>
      <dl className="facts">
        <dt>Name there</dt>
        <dd className="mono">{deployment.finetune_id}</dd>
        <dt>Drawn with</dt>
        <dd>{deployment.title}</dd>
        {version && (
          <>
            <dt>Version</dt>
            <dd>{version.label}</dd>
          </>
        )}
        {deployment.key_name && (
          <>
            <dt>Key</dt>
            <dd>{deployment.key_name}</dd>
          </>
        )}
        {Object.entries(deployment.details).map(([name, value]) => (
          <FactRow key={name} name={name.replaceAll("_", " ")} value={value} />
        ))}
      </dl>
      <p className="dim small" style={{ margin: "10px 0" }}>
        {deployment.told} {deployment.checked_at && `Asked ${ago(deployment.checked_at)}.`}
      </p>
      <div className="row" style={{ flexWrap: "wrap" }}>
        <May rule="create">
          <Button
            size="xs"
            variant="default"
            leftSection={<Cloud size={14} />}
            onClick={() =>
              void navigate({
                to: "/create",
                search: {
                  model: deployment.hosted_model_id,
                  finetune: deployment.finetune_id,
                  prompt: model.prompts[0],
                },
              })
            }
          >
            Draw at BFL
          </Button>
        </May>
        <May>
          <Button
            size="xs"
            variant="default"
            leftSection={<Search size={14} />}
            loading={isAsking}
            onClick={() => void ask()}
          >
            Look it up
          </Button>
          {!isOnlyThere && (
            <Button
              size="xs"
              variant="default"
              leftSection={<GitCompareArrows size={14} />}
              disabled={!model.is_ready}
              onClick={() => setComparing(true)}
            >
              Compare with here
            </Button>
          )}
        </May>
      </div>
      {!isOnlyThere && !model.is_ready && (
        <p className="dim small" style={{ marginTop: 8 }}>
          Comparing needs its base here.
        </p>
      )}
      <ParityDialog model={model} isOpen={isComparing} onClose={() => setComparing(false)} />
    </section>
  );
}

function FactRow({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd style={{ overflowWrap: "anywhere" }}>{value}</dd>
    </>
  );
}
