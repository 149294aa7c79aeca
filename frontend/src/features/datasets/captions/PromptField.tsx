import { Button, Textarea } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { call } from "@/api/call";
import { setCaptionPrompt, type Dataset } from "@/api/generated";
import { toastGood, toastProblem } from "@/components/undo";

import { promptsQuery } from "./queries";

interface PromptFieldProps {
  mode: Dataset["mode"];
  /** What was typed; null: the mode's own. */
  value: string | null;
  onChange: (value: string | null) => void;
}

/** What a captioner is asked; edited for this once, or kept for every dataset of the mode. */
export function PromptField({ mode, value, onChange }: PromptFieldProps) {
  const client = useQueryClient();
  const prompts = useQuery(promptsQuery);
  const own = prompts.data?.find((each) => each.mode === mode);
  const keep = useMutation({
    mutationFn: (text: string) => call(setCaptionPrompt({ path: { mode }, body: { text } })),
    onSuccess: () => {
      onChange(null);
      toastGood(`Kept for all datasets of the kind ${mode}.`);
    },
    onError: toastProblem,
    onSettled: () => client.invalidateQueries({ queryKey: promptsQuery.queryKey }),
  });
  if (!own) return null;
  const text = value ?? own.text;
  return (
    <details>
      <summary>What it is asked</summary>
      <div className="stack" style={{ marginTop: 8 }}>
        <Textarea
          aria-label="Prompt"
          description="[trigger] stands for the trigger word."
          value={text}
          autosize
          minRows={3}
          maxRows={10}
          maxLength={4000}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
        <div className="row">
          <Button
            size="compact-sm"
            variant="default"
            disabled={text === own.text}
            loading={keep.isPending}
            onClick={() => keep.mutate(text)}
          >
            Keep for {mode}
          </Button>
          {text !== own.usual && (
            <Button size="compact-sm" variant="quiet" onClick={() => keep.mutate("")}>
              Back to the usual
            </Button>
          )}
        </div>
      </div>
    </details>
  );
}
