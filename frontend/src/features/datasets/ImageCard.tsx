import { Check, CircleAlert, LoaderCircle, Pencil, X } from "lucide-react";
import { memo, type KeyboardEvent, type MouseEvent } from "react";

import type { DatasetImage, GridImage } from "@/api/generated";
import { Picture } from "@/components/Picture";

import type { Keys } from "./grid/selection";
import classes from "./ImageCard.module.css";
import { PROBLEM_WORDS, withTrigger } from "./problems";
import { TrainedPicture, type SeenAs } from "./shape/TrainedPicture";
import { useAutosave, type SaveState } from "./useAutosave";

export interface CardActions {
  onCaption: (id: string, text: string) => Promise<unknown>;
  onRemove: (item: GridImage) => Promise<unknown>;
  onPick: (id: string, keys: Keys) => void;
  onToggle: (id: string, keys: Keys) => void;
  onOpen: (id: string) => void;
}

interface ImageCardProps extends CardActions {
  item: GridImage;
  index: number;
  trigger: string;
  problems: DatasetImage["problems"];
  isSelected: boolean;
  isSelecting: boolean;
  seenAs: SeenAs | null;
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

/** What stands on a picture: what is wrong with it, how often it counts, its tags. */
function Badges({ item, problems }: { item: GridImage; problems: DatasetImage["problems"] }) {
  const words = problems.flatMap((problem) => PROBLEM_WORDS[problem] ?? []);
  if (words.length + item.tags.length === 0 && item.repeats === 1) return null;
  return (
    <ul className={classes.problems} aria-label="About this image">
      {words.map((word) => (
        <li key={word}>{word}</li>
      ))}
      {item.repeats > 1 && <li data-kind="fact">{item.repeats}×</li>}
      {item.tags.slice(0, 2).map((tag) => (
        <li key={`tag ${tag}`} data-kind="fact">
          {tag}
        </li>
      ))}
      {item.tags.length > 2 && <li data-kind="fact">+{item.tags.length - 2}</li>}
    </ul>
  );
}

export const ImageCard = memo(function ImageCard(props: ImageCardProps) {
  const { item, index, trigger, problems, isSelected, isSelecting, seenAs } = props;
  const { onCaption, onRemove, onPick, onToggle, onOpen } = props;
  const { text, type, flush, state } = useAutosave(item.caption, (caption) => onCaption(item.id, caption));
  const lacksTrigger = trigger !== "" && text !== "" && withTrigger(text, trigger) !== text;
  const number = index + 1;
  const click = (event: MouseEvent) => {
    if (event.shiftKey || event.ctrlKey || event.metaKey) onPick(item.id, event);
    else if (isSelecting) onToggle(item.id, event);
    else onOpen(item.id);
  };
  const facts = `${item.name} · ${item.image.width} × ${item.image.height}${item.edits ? " · edited" : ""}`;
  return (
    <div
      className={classes.card}
      data-selected={isSelected || undefined}
      data-picking={isSelecting || undefined}
    >
      <div className={classes.picture}>
        <button
          type="button"
          className={classes.open}
          data-index={index}
          onClick={click}
          aria-label={`Open image ${number}`}
        >
          {seenAs ? (
            <TrainedPicture item={item} seenAs={seenAs} />
          ) : (
            <Picture
              key={item.image.id}
              image={item.image}
              alt={item.caption || item.name}
              fit="square"
              show={260}
            />
          )}
        </button>
        {!seenAs && <Badges item={item} problems={problems} />}
        <label className={classes.check}>
          <input
            type="checkbox"
            checked={isSelected}
            aria-label={`Select image ${number}`}
            onChange={() => undefined}
            onClick={(event) => onToggle(item.id, event)}
          />
        </label>
        <button
          type="button"
          className={classes.remove}
          title="Remove from the dataset"
          aria-label={`Remove image ${number}`}
          onClick={() => void onRemove(item)}
        >
          <X size={15} />
        </button>
      </div>
      <textarea
        data-caption
        rows={3}
        aria-label={`Caption of image ${number}`}
        placeholder={trigger ? `Say what is seen, with “${trigger}”` : "Say what is seen"}
        value={text}
        className={classes.caption}
        onChange={(event) => type(event.currentTarget.value)}
        onBlur={flush}
        onKeyDown={moveOn}
      />
      <div className={classes.foot}>
        <span className="clip" title={facts}>
          {item.edits && <Pencil size={11} aria-label="Edited" />} {item.name}
        </span>
        {lacksTrigger && state !== "saving" ? (
          <button type="button" className={classes.insert} onClick={() => type(withTrigger(text, trigger))}>
            Add “{trigger}”
          </button>
        ) : (
          <Saving state={state} retry={flush} />
        )}
      </div>
    </div>
  );
});
