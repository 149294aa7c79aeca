import { ActionIcon, Button, Menu } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Ban, CirclePause, CirclePlay, CircleStop, Ellipsis, Sparkles, Trash2 } from "lucide-react";

import type { Finetune } from "@/api/generated";
import { modelQuery } from "@/api/queries";
import { toastProblem } from "@/components/undo";

import { useRunActions } from "./actions";
import { isLive } from "./phases";

/** What can be done with a run now; the likeliest next thing is the primary button. */
export function RunActions({ run }: { run: Finetune }) {
  const navigate = useNavigate();
  const { act, remove } = useRunActions(run.id);
  const model = useQuery(modelQuery(run.model_id ?? "")).data;
  const isBusy = (action: string) => act.isPending && act.variables === action;
  const trash = async () => {
    try {
      await remove(run.name);
      await navigate({ to: "/finetunes" });
    } catch (error) {
      toastProblem(error);
    }
  };

  return (
    <>
      {!isLive(run.state) && (
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon size="lg" aria-label="More about this finetune">
              <Ellipsis size={18} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<Trash2 size={15} />} onClick={() => void trash()}>
              Move to trash
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      )}
      {isLive(run.state) && !run.is_stopping && (
        <Button
          variant="quiet"
          leftSection={<Ban size={16} />}
          loading={isBusy("cancel")}
          onClick={() => act.mutate("cancel")}
        >
          Cancel run
        </Button>
      )}
      {run.state === "running" && !run.is_stopping && (
        <Button
          variant="default"
          leftSection={<CirclePause size={16} />}
          loading={isBusy("pause")}
          onClick={() => act.mutate("pause")}
        >
          Pause
        </Button>
      )}
      {(run.state === "running" || run.state === "paused") && (
        <Button
          variant="default"
          leftSection={<CircleStop size={16} />}
          disabled={run.step === 0}
          loading={isBusy("stop") || run.is_stopping}
          onClick={() => act.mutate("stop")}
        >
          Stop and keep
        </Button>
      )}
      {(run.state === "paused" || run.state === "cancelled") && (
        <Button
          variant={run.state === "cancelled" ? "default" : "primary"}
          leftSection={<CirclePlay size={16} />}
          loading={isBusy("resume")}
          onClick={() => act.mutate("resume")}
        >
          Resume
        </Button>
      )}
      {run.state === "succeeded" && run.model_id && (
        <>
          <Button variant="default" component={Link} to={`/models/${run.model_id}`}>
            Open the model
          </Button>
          <Button
            variant="primary"
            size="md"
            leftSection={<Sparkles size={16} />}
            onClick={() =>
              void navigate({
                to: "/create",
                search: { model: run.model_id ?? undefined, prompt: model?.prompts[0] ?? run.trigger_word },
              })
            }
          >
            Create with it
          </Button>
        </>
      )}
    </>
  );
}
