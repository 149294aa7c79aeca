import type { ReactNode } from "react";

import classes from "./Empty.module.css";

interface EmptyProps {
  title: string;
  children: ReactNode;
  art?: ReactNode;
  action?: ReactNode;
  compact?: boolean;
}

/** What a place is for, one image, one button. */
export function Empty({ title, children, art, action, compact }: EmptyProps) {
  return (
    <div className={classes.empty} data-compact={compact || undefined}>
      {art && (
        <div className={classes.art} aria-hidden>
          {art}
        </div>
      )}
      <p className={classes.title}>{title}</p>
      <p className={classes.text}>{children}</p>
      {action && <div className={classes.action}>{action}</div>}
    </div>
  );
}
