import { Kbd, Textarea, UnstyledButton } from "@mantine/core";
import { Check, Plus } from "lucide-react";

import classes from "./Create.module.css";
import { hasTrigger, withTrigger } from "./draft";

interface PromptFieldProps {
  prompt: string;
  trigger: string;
  /** Example prompts of the model. */
  prompts: string[];
  error?: string;
  onChange: (prompt: string) => void;
  onSubmit: () => void;
}

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

export function PromptField({ prompt, trigger, prompts, error, onChange, onSubmit }: PromptFieldProps) {
  const isIn = hasTrigger(prompt, trigger);
  const suggestions = prompts.filter((text) => text !== prompt).slice(0, 3);
  return (
    <div className={classes.promptField}>
      <Textarea
        label="Prompt"
        placeholder={trigger ? `${trigger} …` : "What do you want to see?"}
        value={prompt}
        error={error}
        autosize
        minRows={3}
        maxRows={12}
        onChange={(event) => onChange(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
            event.preventDefault();
            onSubmit();
          }
        }}
      />
      <div className={classes.under}>
        {trigger ? (
          <UnstyledButton
            className={classes.chip}
            data-in={isIn || undefined}
            disabled={isIn}
            onClick={() => onChange(withTrigger(prompt, trigger))}
            aria-label={isIn ? `Trigger word ${trigger} is in the prompt` : `Insert trigger word ${trigger}`}
          >
            {isIn ? <Check size={12} aria-hidden /> : <Plus size={12} aria-hidden />}
            <span className="mono">{trigger}</span>
          </UnstyledButton>
        ) : (
          <span />
        )}
        <span className={classes.keys}>
          <Kbd size="xs">{isMac ? "⌘" : "Ctrl"}</Kbd> <Kbd size="xs">Enter</Kbd>
        </span>
      </div>
      {suggestions.length > 0 && (
        <ul className={classes.suggestions} aria-label="Prompts to try">
          {suggestions.map((text) => (
            <li key={text}>
              <UnstyledButton className={classes.suggestion} onClick={() => onChange(text)}>
                {text}
              </UnstyledButton>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
