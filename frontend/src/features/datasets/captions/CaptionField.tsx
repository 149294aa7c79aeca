import { Bot, Check, CircleAlert, FileText, LoaderCircle } from "lucide-react";
import type { KeyboardEvent, ReactNode } from "react";

import type { GridImage } from "@/api/generated";

import { useMayChange } from "@/components/may/May";
import { withTrigger } from "@/features/datasets/problems";
import classes from "./CaptionField.module.css";
import { Versions } from "./Versions";
import { useCaption, type CaptionState, type SaveCaption } from "./useCaption";

interface CaptionFieldProps {
  datasetId: string;
  item: GridImage;
  index: number;
  trigger: string;
  onCaption: SaveCaption;
  /** Go to the caption of another image; 0: leave the field for its own image. */
  onMove: (index: number, by: -1 | 0 | 1) => void;
  children: ReactNode;
}

const WORDS: Record<CaptionState, string> = {
  idle: "",
  saving: "Saving…",
  saved: "Saved",
  failed: "Not saved",
  conflict: "",
};
const ICONS = { idle: null, saving: LoaderCircle, saved: Check, failed: CircleAlert, conflict: null };

/** Who wrote a caption, where it was nobody at this keyboard. */
function Author({ item }: { item: GridImage }) {
  if (item.caption_by === "auto")
    return (
      <span className={classes.author} title={`Written by ${item.caption_source ?? "a captioner"}`}>
        <Bot size={12} aria-label={`Written by ${item.caption_source ?? "a captioner"}`} />
      </span>
    );
  if (item.caption_by === "file")
    return (
      <span className={classes.author} title="From a file">
        <FileText size={12} aria-label="From a file" />
      </span>
    );
  return null;
}

/** A caption edited where it stands. Enter goes to the next image's, with Shift to the one before; Escape leaves. */
export function CaptionField({
  datasetId,
  item,
  index,
  trigger,
  onCaption,
  onMove,
  children,
}: CaptionFieldProps) {
  const { text, type, flush, settle, state } = useCaption(item.id, item.caption, onCaption);
  const mayChange = useMayChange();
  const lacksTrigger = mayChange && trigger !== "" && text !== "" && withTrigger(text, trigger) !== text;
  const Icon = ICONS[state];
  const press = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      flush();
      onMove(index, event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      flush();
      onMove(index, 0);
    }
  };
  return (
    <>
      <textarea
        data-caption={index}
        rows={3}
        aria-label={`Caption of image ${index + 1}`}
        readOnly={!mayChange}
        placeholder={
          !mayChange ? "No caption" : trigger ? `Say what is seen, with “${trigger}”` : "Say what is seen"
        }
        value={text}
        maxLength={4000}
        className={classes.caption}
        onChange={(event) => type(event.currentTarget.value.replace(/\s*\n\s*/g, " "))}
        onBlur={flush}
        onKeyDown={press}
      />
      {state === "conflict" && (
        <div className={classes.conflict} role="alert">
          <p>
            Changed elsewhere to <q>{item.caption || "nothing"}</q>
          </p>
          <button type="button" onClick={() => settle(true)}>
            Keep mine
          </button>
          <button type="button" onClick={() => settle(false)}>
            Take theirs
          </button>
        </div>
      )}
      <div className={classes.foot}>
        <Author item={item} />
        <span className="clip" style={{ flex: 1 }}>
          {children}
        </span>
        {lacksTrigger && state !== "saving" && state !== "conflict" ? (
          <button type="button" className={classes.small} onClick={() => type(withTrigger(text, trigger))}>
            Add “{trigger}”
          </button>
        ) : (
          <span className={classes.saving} data-state={state} role="status">
            {Icon && <Icon size={12} aria-hidden />}
            {WORDS[state]}
            {state === "failed" && (
              <button type="button" className={classes.small} onClick={flush}>
                Try again
              </button>
            )}
          </span>
        )}
        <Versions
          datasetId={datasetId}
          imageId={item.id}
          number={index + 1}
          current={item.caption}
          onUse={type}
        />
      </div>
    </>
  );
}
