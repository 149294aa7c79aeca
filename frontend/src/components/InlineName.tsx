import { useState, type KeyboardEvent } from "react";

import classes from "./InlineName.module.css";
import { useMayChange } from "./may/May";

interface InlineNameProps {
  value: string;
  label: string;
  onSave: (value: string) => void;
  size?: "title" | "body";
}

/** A name edited where it stands: Enter or leaving saves, Escape takes it back. */
export function InlineName({ value, label, onSave, size = "title" }: InlineNameProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const mayChange = useMayChange();
  const shown = typed ?? value;
  const finish = () => {
    const name = typed?.trim();
    if (name && name !== value) onSave(name);
    setTyped(null);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === "Enter") event.currentTarget.blur();
    if (event.key === "Escape") {
      setTyped(null);
      requestAnimationFrame(
        () => document.activeElement instanceof HTMLElement && document.activeElement.blur(),
      );
    }
  };
  const input = !mayChange ? (
    value
  ) : (
    <span className={classes.grow} data-value={shown || " "}>
      <input
        className={classes.input}
        value={shown}
        aria-label={label}
        maxLength={120}
        spellCheck={false}
        size={1}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onBlur={finish}
        onKeyDown={onKeyDown}
      />
    </span>
  );
  return size === "title" ? (
    <h1 className={classes.title}>{input}</h1>
  ) : (
    <span className={classes.body}>{input}</span>
  );
}
