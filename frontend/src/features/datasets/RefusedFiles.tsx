import { CloseButton } from "@mantine/core";
import { FileX2 } from "lucide-react";

import { countOf } from "@/components/format";

import classes from "./RefusedFiles.module.css";
import type { Refused } from "./useUpload";

export function RefusedFiles({ files, onDismiss }: { files: Refused[]; onDismiss: () => void }) {
  if (files.length === 0) return null;
  return (
    <section className={classes.box} aria-label="Files not added" role="alert">
      <div className={classes.head}>
        <FileX2 size={16} aria-hidden />
        <h2>{countOf(files.length, "file")} could not be added</h2>
        <CloseButton size="sm" aria-label="Dismiss" onClick={onDismiss} />
      </div>
      <ul>
        {files.map(({ key, name, reason, action }) => (
          <li key={key}>
            <span className="mono">{name}</span>
            <span>{reason}</span>
            <span className="dim">{action}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
