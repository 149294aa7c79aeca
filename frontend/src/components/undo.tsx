import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { CircleAlert, CircleCheck } from "lucide-react";

import { problemOf } from "@/api/problem";

/** Say what was done, with the way back. */
export function toastUndo(message: string, undo: () => Promise<unknown>) {
  const id = notifications.show({
    message: (
      <span className="toast">
        <span>{message}</span>
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => {
            notifications.hide(id);
            undo().catch(toastProblem);
          }}
        >
          Undo
        </Button>
      </span>
    ),
    autoClose: 10_000,
    role: "status",
  });
}

export function toastProblem(error: unknown) {
  const { title, detail, action } = problemOf(error);
  notifications.show({
    title,
    message: [detail, action].filter(Boolean).join(" "),
    icon: <CircleAlert size={18} />,
    color: "transparent",
    autoClose: 9000,
    role: "alert",
    classNames: { icon: "toast-bad" },
  });
}

export function toastGood(message: string, action?: { label: string; run: () => void }) {
  const id = notifications.show({
    message: (
      <span className="toast">
        <span>{message}</span>
        {action && (
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => {
              notifications.hide(id);
              action.run();
            }}
          >
            {action.label}
          </Button>
        )}
      </span>
    ),
    icon: <CircleCheck size={18} />,
    color: "transparent",
    autoClose: 8000,
    role: "status",
    classNames: { icon: "toast-good" },
  });
}
