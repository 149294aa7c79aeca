import { useMediaQuery } from "@mantine/hooks";
import { ChevronDown } from "lucide-react";
import type { ReactNode } from "react";

import classes from "./Fold.module.css";

interface FoldProps {
  title: string;
  /** What is in it, in a few words, for whoever does not open it. */
  said: ReactNode;
  isOpen: boolean;
  onOpen: (isOpen: boolean) => void;
  children: ReactNode;
}

/** On a narrow screen one line that opens, so that the images come first; beside the images all that is in it. */
export function Fold({ title, said, isOpen, onOpen, children }: FoldProps) {
  const isNarrow = useMediaQuery("(max-width: 1000px)", undefined, { getInitialValueInEffect: false });
  return (
    <details
      className={classes.fold}
      open={isOpen || !isNarrow}
      onToggle={(event) => isNarrow && onOpen(event.currentTarget.open)}
    >
      <summary>
        <span className={classes.title}>{title}</span>
        <span className={classes.said}>{said}</span>
        <ChevronDown size={16} aria-hidden />
      </summary>
      {children}
    </details>
  );
}
