import { FileArchive, Image as ImageIcon, LoaderCircle } from "lucide-react";

import classes from "./ImageCard.module.css";
import { isArchive } from "./upload-plan";
import type { Pending } from "./useUpload";

const WORDS: Record<Pending["state"], string> = {
  waiting: "Waiting",
  checking: "Asking if it is here",
  sending: "Sending and checking",
  reading: "Unpacking and checking",
  done: "Done",
};

export function PendingCard({ item }: { item: Pending }) {
  const Icon = isArchive(item.name) ? FileArchive : ImageIcon;
  return (
    <li className={`${classes.card} ${classes.pending}`}>
      <div className={classes.pendingBox}>
        {item.preview ? <img src={item.preview} alt="" /> : <Icon size={28} strokeWidth={1.5} aria-hidden />}
      </div>
      <div className={classes.pendingState}>
        {item.state !== "waiting" && <LoaderCircle size={14} className={classes.spin} aria-hidden />}
        <span className="clip">
          {WORDS[item.state]} · {item.name.split("/").at(-1)}
        </span>
      </div>
    </li>
  );
}
