import { Radio } from "@mantine/core";
import { Check } from "lucide-react";
import type { ReactNode } from "react";

import classes from "./ChoiceCard.module.css";

interface ChoiceCardProps {
  value: string;
  title: string;
  children?: ReactNode;
  art?: ReactNode;
  note?: ReactNode;
  disabled?: boolean;
}

/** One big choice of a few; sits in a Radio.Group. */
export function ChoiceCard({ value, title, children, art, note, disabled }: ChoiceCardProps) {
  return (
    <Radio.Card
      value={value}
      className={classes.card}
      radius="lg"
      disabled={disabled}
      aria-label={title}
      data-art={art ? true : undefined}
    >
      {art && <div className={classes.art}>{art}</div>}
      <div className={classes.body}>
        <span className={classes.title}>
          {title}
          <span className={classes.mark} aria-hidden>
            <Check size={12} strokeWidth={3} />
          </span>
        </span>
        {children && <span className={classes.text}>{children}</span>}
        {note && <span className={classes.note}>{note}</span>}
      </div>
    </Radio.Card>
  );
}
