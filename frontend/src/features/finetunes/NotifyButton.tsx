import { Button, Tooltip } from "@mantine/core";
import { Bell, BellRing } from "lucide-react";
import { useState } from "react";

import type { Finetune } from "@/api/generated";
import { canNotify, isNotifying, notifyOf, stopNotifying } from "@/components/notify";

/** Asks the browser for a notification at the end; nothing is asked before this is clicked. */
export function NotifyButton({ run }: { run: Finetune }) {
  const [isOn, setOn] = useState(() => isNotifying(run.id));
  const [isAllowed, setAllowed] = useState(canNotify);
  const toggle = async () => {
    if (isOn) {
      stopNotifying(run.id);
      setOn(false);
    } else {
      setOn(await notifyOf(run.id, run.name));
      setAllowed(canNotify());
    }
  };
  return (
    <Tooltip
      label={
        isAllowed
          ? "A notification of this browser when the run ends; this tab must stay open"
          : "This browser does not allow notifications from this address"
      }
      multiline
      maw={260}
    >
      <Button
        variant="quiet"
        leftSection={isOn ? <BellRing size={16} /> : <Bell size={16} />}
        aria-pressed={isOn}
        aria-disabled={!isAllowed}
        data-disabled={!isAllowed || undefined}
        onClick={() => void (isAllowed && toggle())}
      >
        {isOn ? "You will be told" : "Notify me"}
      </Button>
    </Tooltip>
  );
}
