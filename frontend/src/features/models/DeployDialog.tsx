import { Button, Modal, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, Download } from "lucide-react";
import { useState } from "react";

import { call } from "@/api/call";
import { getDeployment, type Model } from "@/api/generated";
import { Loaded } from "@/components/Loaded";

import classes from "./Models.module.css";

interface DeployDialogProps {
  model: Model;
  isOpen: boolean;
  onClose: () => void;
}

/** Does BFL's service take this model? If so: the file, and what to do there by hand. */
export function DeployDialog({ model, isOpen, onClose }: DeployDialogProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const [name] = useDebouncedValue(typed ?? "", 250);
  const deployment = useQuery({
    queryKey: ["model", model.id, "deployment", name],
    queryFn: () => call(getDeployment({ path: { model_id: model.id }, query: { finetune_id: name } })),
    placeholderData: keepPreviousData,
    enabled: isOpen,
  });
  return (
    <Modal opened={isOpen} onClose={onClose} title="Deploy to BFL" size="lg">
      <Loaded query={deployment}>
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
            <ul className={classes.findings} aria-label="What was checked">
              {found.findings.map(({ name: what, is_ok, detail, action }) => (
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
          </div>
        )}
      </Loaded>
    </Modal>
  );
}
