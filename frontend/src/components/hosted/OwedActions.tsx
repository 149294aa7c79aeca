import { Button, Modal } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "@/api/call";
import { retryGeneration } from "@/api/generated";
import { forgetHosted } from "@/api/hosted";
import { toastGood, toastProblem } from "@/components/undo";

/** Have images of a hosted generation fetched, or sent again; the second is paid, so it is asked for first. */
export function useRetry(generationId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (sendAgain: boolean) =>
      call(retryGeneration({ path: { generation_id: generationId }, body: { send_again: sendAgain } })),
    onSuccess: () => {
      toastGood("On its way; Create shows how far it is.");
      void client.invalidateQueries({ queryKey: ["generations"] });
      return forgetHosted(client);
    },
    onError: toastProblem,
  });
}

interface SendAgainProps {
  generationId: string;
  label: string;
  title: string;
  children: React.ReactNode;
}

/** A button that pays once more, after saying what that means. */
export function SendAgain({ generationId, label, title, children }: SendAgainProps) {
  const [isAsking, setAsking] = useState(false);
  const retry = useRetry(generationId);
  return (
    <>
      <Button size="compact-sm" variant="default" onClick={() => setAsking(true)}>
        {label}…
      </Button>
      <Modal opened={isAsking} onClose={() => setAsking(false)} title={title}>
        <div className="stack">
          <div>{children}</div>
          <Button
            variant="primary"
            loading={retry.isPending}
            onClick={() => retry.mutate(true, { onSuccess: () => setAsking(false) })}
            style={{ alignSelf: "flex-end" }}
          >
            {label}
          </Button>
        </div>
      </Modal>
    </>
  );
}

/** The ways out for what was paid and did not come. */
export function OwedActions({
  generationId,
  canFetch,
  isUnknown,
}: {
  generationId: string;
  canFetch: boolean;
  isUnknown: boolean;
}) {
  const retry = useRetry(generationId);
  return (
    <>
      {canFetch && (
        <Button size="compact-sm" loading={retry.isPending} onClick={() => retry.mutate(false)}>
          Fetch
        </Button>
      )}
      {isUnknown && (
        <SendAgain generationId={generationId} label="Send again" title="Pay once more?">
          Nobody knows whether BFL accepted these requests. If it did, they were charged, and sending them
          again is charged once more. BFL’s dashboard shows what was charged.
        </SendAgain>
      )}
    </>
  );
}
