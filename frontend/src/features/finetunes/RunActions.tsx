import { ActionIcon, Button, Menu } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import {
  Ban,
  ChevronsRight,
  CirclePause,
  CirclePlay,
  CircleStop,
  Columns2,
  Ellipsis,
  Sparkles,
  Trash2,
} from "lucide-react";
import { useEffect, useRef, useState } from "react";

import type { Finetune } from "@/api/generated";
import { modelQuery } from "@/api/queries";
import { May, useMayChange } from "@/components/may/May";
import { toastProblem } from "@/components/undo";

import { useRunActions } from "./actions";
import { ExtendDialog } from "./ExtendDialog";
import { NotifyButton } from "./NotifyButton";
import { useOffers } from "./offers";
import { isLive } from "./phases";

function More({ run, onTrash }: { run: Finetune; onTrash: () => void }) {
  const navigate = useNavigate();
  const mayChange = useMayChange();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon size="lg" aria-label="More about this finetune">
          <Ellipsis size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<Columns2 size={15} />}
          onClick={() => void navigate({ to: "/finetunes/compare", search: { a: run.id } })}
        >
          Compare with another
        </Menu.Item>
        {!isLive(run.state) && mayChange && (
          <Menu.Item leftSection={<Trash2 size={15} />} onClick={onTrash}>
            Move to trash
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

/** What can be done with a finished run: go on with it, look at it, use it. */
function Finished({ run }: { run: Finetune }) {
  const navigate = useNavigate();
  const [isExtending, setExtending] = useState(false);
  const model = useQuery(modelQuery(run.model_id ?? "")).data;
  const mayChange = useMayChange();
  return (
    <>
      {!run.server_id && mayChange && (
        <Button
          variant="default"
          leftSection={<ChevronsRight size={16} />}
          onClick={() => setExtending(true)}
        >
          Extend
        </Button>
      )}
      <ExtendDialog run={run} isOpen={isExtending} onClose={() => setExtending(false)} />
      {run.elsewhere_model_id && (
        <May rule="create">
          <Button
            variant="default"
            onClick={() =>
              void navigate({
                to: "/create",
                search: {
                  model: run.elsewhere_model_id ?? undefined,
                  prompt: model?.prompts[0] ?? run.trigger_word,
                },
              })
            }
          >
            Create at {run.server_name}
          </Button>
        </May>
      )}
      {run.model_id && (
        <>
          <Button variant="default" component={Link} to={`/models/${run.model_id}`}>
            Open the model
          </Button>
          <May rule="create">
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
          </May>
        </>
      )}
    </>
  );
}

/** What can be done with a run now; the likeliest next thing is the primary button. */
export function RunActions({ run }: { run: Finetune }) {
  const navigate = useNavigate();
  const { act, remove } = useRunActions(run.id);
  const { offers } = useOffers(run);
  const isBusy = (action: string) => act.isPending && act.variables === action;
  const isEndless = isLive(run.state) && !run.is_stopping;
  const toggle = useRef<HTMLButtonElement>(null);
  const wasAsked = act.isSuccess;
  useEffect(() => {
    // Pause gives way to Resume and back; whoever pressed one with the keyboard goes on at the other.
    if (wasAsked && document.activeElement === document.body) toggle.current?.focus({ preventScroll: true });
  }, [run.state, wasAsked]);
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
      <More run={run} onTrash={() => void trash()} />
      {isLive(run.state) && <NotifyButton run={run} />}
      <May>
        {isEndless && (
          <Button
            variant="quiet"
            leftSection={<Ban size={16} />}
            loading={isBusy("cancel")}
            onClick={() => act.mutate("cancel")}
          >
            Cancel run
          </Button>
        )}
        {(run.state === "running" || run.state === "queued") && !run.is_stopping && offers("pause") && (
          <Button
            ref={toggle}
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
        {run.state === "paused" && (
          <Button
            ref={toggle}
            variant="primary"
            leftSection={<CirclePlay size={16} />}
            loading={isBusy("resume")}
            onClick={() => act.mutate("resume")}
          >
            Resume
          </Button>
        )}
      </May>
      {run.state === "succeeded" && <Finished run={run} />}
    </>
  );
}
