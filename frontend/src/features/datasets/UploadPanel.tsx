import { Button, CloseButton } from "@mantine/core";
import { ChevronDown, ChevronRight, Pause, Play, RotateCcw, TriangleAlert } from "lucide-react";
import { useState } from "react";

import { bytes, countOf } from "@/components/format";
import { Meter } from "@/components/Meter";

import classes from "./UploadPanel.module.css";
import type { Item } from "./upload-queue";
import type { Upload, UploadState } from "./useUpload";

const WORDS: Record<Item["state"], string> = {
  waiting: "Waiting",
  checking: "Asking if it is here",
  sending: "Sending",
  reading: "Reading",
  done: "Done",
};

function fateOf({ state, sent, size, read }: Item): string {
  if (state === "reading" && read) return `${read[0].toLocaleString()} of ${read[1].toLocaleString()} files`;
  if (state === "sending" && sent >= size) return "Checking";
  if (state === "sending") return `${bytes(sent)} of ${bytes(size)}`;
  return WORDS[state];
}

function FileRow({ item }: { item: Item }) {
  const [value, total] =
    item.state === "reading" && item.read ? item.read : [item.sent, Math.max(1, item.size)];
  return (
    <li>
      <span className="clip">{item.name}</span>
      <Meter label={item.name} value={value} total={total} size={4} text={fateOf(item)} />
      <span className="clip">{fateOf(item)}</span>
    </li>
  );
}

function Running({ upload, state }: { upload: Upload; state: UploadState }) {
  const [isOpen, setOpen] = useState(false);
  const { totals, items, isPaused, trouble } = state;
  const Chevron = isOpen ? ChevronDown : ChevronRight;
  const facts = [
    `${totals.done.toLocaleString()} of ${totals.files.toLocaleString()} files`,
    `${bytes(totals.sentBytes)} of ${bytes(totals.bytes)}`,
    totals.known > 0 && `${totals.known.toLocaleString()} already here`,
    totals.refused > 0 && `${totals.refused.toLocaleString()} not usable`,
  ];
  return (
    <section className={classes.panel} aria-label="Upload">
      <div className={classes.head}>
        <h2>
          {isPaused
            ? `Paused with ${countOf(totals.files - totals.done, "file")} to go`
            : `Adding ${countOf(totals.files, "file")}`}
        </h2>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={isPaused ? <Play size={14} /> : <Pause size={14} />}
          onClick={isPaused ? upload.resume : upload.pause}
        >
          {isPaused ? "Go on" : "Pause"}
        </Button>
        <Button size="compact-sm" variant="quiet" onClick={upload.cancel}>
          Stop
        </Button>
      </div>
      <Meter
        label="Upload"
        value={totals.sentBytes}
        total={Math.max(1, totals.bytes)}
        text={`${totals.done} of ${totals.files} files`}
      />
      <p className={classes.facts} role="status">
        {facts.filter(Boolean).join(" · ")}
      </p>
      {trouble && (
        <p className={classes.trouble} role="alert">
          <TriangleAlert size={16} aria-hidden /> {trouble}
        </p>
      )}
      <div>
        <Button
          size="compact-sm"
          variant="quiet"
          leftSection={<Chevron size={14} />}
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        >
          File by file
        </Button>
      </div>
      {isOpen && (
        <ul className={classes.files}>
          {items.map((item) => (
            <FileRow key={item.key} item={item} />
          ))}
        </ul>
      )}
    </section>
  );
}

/** An upload as it goes: how far, what each file does, and what to do when it was cut off. */
export function UploadPanel({ upload }: { upload: Upload }) {
  const { state, interrupted, notes, note } = upload;
  if (state?.isBusy) return <Running upload={upload} state={state} />;
  if (interrupted > 0 && !state) {
    return (
      <section className={classes.panel} aria-label="Interrupted upload">
        <div className={classes.head}>
          <RotateCcw size={16} aria-hidden />
          <h2>An upload was cut off with {countOf(interrupted, "file")} to come</h2>
          <CloseButton size="sm" aria-label="Forget it" onClick={upload.forget} />
        </div>
        <p className={classes.facts}>
          Drop the same files, folder or ZIP again to go on: what is here is recognised by its content and not
          sent or stored twice.
        </p>
      </section>
    );
  }
  return (
    <p role="status" className={classes.note}>
      {[note, ...notes].filter(Boolean).join(". ").replaceAll("..", ".")}
    </p>
  );
}
