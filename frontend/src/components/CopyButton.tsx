import { ActionIcon, CopyButton as Copy, Tooltip } from "@mantine/core";
import { Check, Copy as CopyIcon } from "lucide-react";

export function CopyButton({ value, label = "Copy" }: { value: string; label?: string }) {
  return (
    <Copy value={value} timeout={1500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? "Copied" : label}>
          <ActionIcon size="sm" aria-label={copied ? "Copied" : label} onClick={copy}>
            {copied ? <Check size={14} /> : <CopyIcon size={14} />}
          </ActionIcon>
        </Tooltip>
      )}
    </Copy>
  );
}

/** The word that calls up what was learnt, with a copy button. */
export function TriggerChip({ word }: { word: string }) {
  if (!word) return null;
  return (
    <span className="trigger">
      <span className="mono">{word}</span>
      <CopyButton value={word} label="Copy trigger word" />
    </span>
  );
}

export function Command({ children }: { children: string }) {
  return (
    <span className="command">
      <code className="mono">{children}</code>
      <CopyButton value={children} label="Copy command" />
    </span>
  );
}
