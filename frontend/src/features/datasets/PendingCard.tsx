import { FileArchive, Image as ImageIcon, LoaderCircle } from "lucide-react";

import classes from "./ImageCard.module.css";
import { isArchive } from "./upload-plan";
import type { Pending } from "./useUpload";

export function PendingCard({ item }: { item: Pending }) {
  const Icon = isArchive(item.name) ? FileArchive : ImageIcon;
  const word =
    item.state === "waiting"
      ? "Waiting"
      : isArchive(item.name)
        ? "Unpacking and checking"
        : "Sending and checking";
  return (
    <li className={`${classes.card} ${classes.pending}`}>
      <div className={classes.pendingBox}>
        {item.preview ? <img src={item.preview} alt="" /> : <Icon size={28} strokeWidth={1.5} aria-hidden />}
      </div>
      <div className={classes.pendingState}>
        {item.state === "sending" && <LoaderCircle size={14} className={classes.spin} aria-hidden />}
        <span className="clip">
          {word} · {item.name.split("/").at(-1)}
        </span>
      </div>
    </li>
  );
}
