import { ActionIcon, Textarea, Tooltip } from "@mantine/core";
import { Check, CircleAlert, LoaderCircle, X } from "lucide-react";
import { memo, type KeyboardEvent } from "react";

import type { DatasetImage } from "@/api/generated";
import { Picture } from "@/components/Picture";

import classes from "./ImageCard.module.css";
import { PROBLEM_WORDS, withTrigger } from "./problems";
import { useAutosave, type SaveState } from "./useAutosave";

interface ImageCardProps {
  item: DatasetImage;
  number: number;
  trigger: string;
  isMarked: boolean;
  onCaption: (id: string, text: string) => Promise<unknown>;
  onRemove: (item: DatasetImage) => Promise<unknown>;
}

const SAVE_WORDS: Record<SaveState, string> = {
  idle: "",
  saving: "Saving…",
  saved: "Saved",
  failed: "Not saved",
};
const SAVE_ICONS = { idle: null, saving: LoaderCircle, saved: Check, failed: CircleAlert };

function Saving({ state, retry }: { state: SaveState; retry: () => void }) {
  const Icon = SAVE_ICONS[state];
  return (
    <span className={classes.saving} data-state={state} role="status">
      {Icon && <Icon size={12} aria-hidden />}
      {SAVE_WORDS[state]}
      {state === "failed" && (
        <button type="button" className={classes.retry} onClick={retry}>
          Try again
        </button>
      )}
    </span>
  );
}

/** Ctrl/⌘-Enter goes to the next caption, with Shift to the one before. */
function moveOn(event: KeyboardEvent<HTMLTextAreaElement>) {
  if (event.key !== "Enter" || !(event.metaKey || event.ctrlKey)) return;
  event.preventDefault();
  const all = [...document.querySelectorAll<HTMLTextAreaElement>("textarea[data-caption]")];
  const next = all[all.indexOf(event.currentTarget) + (event.shiftKey ? -1 : 1)];
  next?.focus();
  next?.setSelectionRange(next.value.length, next.value.length);
}

export const ImageCard = memo(function ImageCard({
  item,
  number,
  trigger,
  isMarked,
  onCaption,
  onRemove,
}: ImageCardProps) {
  const { text, type, flush, state } = useAutosave(item.caption, (caption) => onCaption(item.id, caption));
  const lacksTrigger = trigger !== "" && text !== "" && withTrigger(text, trigger) !== text;
  return (
    <li className={classes.card} id={`image-${item.id}`} data-marked={isMarked || undefined}>
      <div className={classes.picture}>
        <Picture image={item.image} alt={item.caption || item.name} fit="square" show={260} />
        <ul className={classes.problems} aria-label="Problems of this image">
          {item.problems.map(
            (problem) => PROBLEM_WORDS[problem] && <li key={problem}>{PROBLEM_WORDS[problem]}</li>,
          )}
        </ul>
        <Tooltip label="Remove from the dataset">
          <ActionIcon
            className={classes.remove}
            size="md"
            aria-label={`Remove image ${number}`}
            onClick={() => void onRemove(item)}
          >
            <X size={15} />
          </ActionIcon>
        </Tooltip>
      </div>
      <Textarea
        data-caption
        aria-label={`Caption of image ${number}`}
        placeholder={trigger ? `Say what is seen, with “${trigger}”` : "Say what is seen"}
        value={text}
        autosize
        minRows={2}
        maxRows={8}
        variant="unstyled"
        classNames={{ input: classes.caption }}
        onChange={(event) => type(event.currentTarget.value)}
        onBlur={flush}
        onKeyDown={moveOn}
      />
      <div className={classes.foot}>
        <Tooltip label={`${item.name} · ${item.image.width} × ${item.image.height}`}>
          <span className="clip">{item.name}</span>
        </Tooltip>
        {lacksTrigger && state !== "saving" ? (
          <button type="button" className={classes.insert} onClick={() => type(withTrigger(text, trigger))}>
            Add “{trigger}”
          </button>
        ) : (
          <Saving state={state} retry={flush} />
        )}
      </div>
    </li>
  );
});
