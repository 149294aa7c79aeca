import { Button, Modal, Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, Download, Link2 } from "lucide-react";
import { useState } from "react";

import type { DeploymentPlan, Model } from "@/api/generated";
import { dollars } from "@/components/hosted/money";
import { Loaded } from "@/components/Loaded";
import { toastGood, toastProblem } from "@/components/undo";

import { planQuery, useDeployment } from "./deployments";
import classes from "./Models.module.css";

interface DeployDialogProps {
  model: Model;
  isOpen: boolean;
  onClose: () => void;
}

function Findings({ findings }: Pick<DeploymentPlan, "findings">) {
  return (
    <ul className={classes.findings} aria-label="What was checked">
      {findings.map(({ name: what, is_ok, detail, action }) => (
        <li key={what}>
          {is_ok ? (
            <CircleCheck size={16} className={classes.good} aria-label="Fine" />
          ) : (
            <CircleAlert size={16} className={classes.bad} aria-label="In the way" />
          )}
          <span>
            <strong>{what}</strong> {detail} {action && <span className="dim">{action}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** What has been dropped in the Dashboard is told by its name there. */
function LinkForm({
  model,
  plan,
  name,
  onDone,
}: {
  model: Model;
  plan: DeploymentPlan;
  name: string;
  onDone: () => void;
}) {
  const { link } = useDeployment(model);
  const [endpoint, setEndpoint] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const chosen = endpoint ?? model.deployment?.hosted_model_id ?? plan.endpoints[0]?.id;
  const submit = async () => {
    setBusy(true);
    try {
      await link({ finetune_id: name, endpoint: chosen });
      toastGood(`“${model.name}” is linked to ${name} at BFL.`);
      onDone();
    } catch (error) {
      toastProblem(error);
    }
    setBusy(false);
  };
  return (
    <section aria-label="Link" className={`${classes.panel} stack`}>
      <h2>Is it there? Link it</h2>
      <p className="dim small">
        fluxtune then draws with it at BFL, and compares that with what is drawn here. Linking asks nobody and
        costs nothing.
      </p>
      <Select
        label="Drawn with"
        data={plan.endpoints.map(({ id, title, price }) => ({
          value: id,
          label: price === null ? title : `${title} · from ${dollars(price)}`,
        }))}
        value={chosen}
        allowDeselect={false}
        onChange={setEndpoint}
      />
      <Button
        variant="default"
        leftSection={<Link2 size={16} />}
        style={{ alignSelf: "flex-start" }}
        loading={busy}
        disabled={!name || !chosen}
        onClick={() => void submit()}
      >
        Link to “{name}”
      </Button>
    </section>
  );
}

/** Does BFL's service take this model? If so: the file, what to do there by hand, and the link afterwards. */
export function DeployDialog({ model, isOpen, onClose }: DeployDialogProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const [name] = useDebouncedValue(typed ?? model.deployment?.finetune_id ?? "", 250);
  const plan = useQuery({ ...planQuery(model.id, name), placeholderData: keepPreviousData, enabled: isOpen });
  return (
    <Modal opened={isOpen} onClose={onClose} title="Deploy to BFL" size="lg">
      <Loaded query={plan}>
        {(found) => (
          <div className="stack" style={{ gap: 16 }}>
            <TextInput
              label="Name at BFL"
              description="Small letters, digits, - and _. Programs call the model by it."
              value={typed ?? found.finetune_id}
              maxLength={80}
              spellCheck={false}
              data-autofocus
              onChange={(event) => setTyped(event.currentTarget.value)}
            />
            <Findings findings={found.findings} />
            {found.file_url && (
              <>
                <Button
                  component="a"
                  href={found.file_url}
                  download={`${found.finetune_id}.safetensors`}
                  variant="primary"
                  leftSection={<Download size={16} />}
                  style={{ alignSelf: "flex-start" }}
                >
                  Download the file
                </Button>
                <ol className={classes.steps}>
                  {found.steps.map((step) => (
                    <li key={step}>{step}</li>
                  ))}
                </ol>
              </>
            )}
            <LinkForm model={model} plan={found} name={typed ?? found.finetune_id} onDone={onClose} />
          </div>
        )}
      </Loaded>
    </Modal>
  );
}
