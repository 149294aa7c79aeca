import { Dropzone } from "@mantine/dropzone";
import type { ReactNode } from "react";

import classes from "./DropAnywhere.module.css";

interface DropAnywhereProps {
  title: string;
  children: ReactNode;
  onFiles: (files: File[]) => void;
}

/** Takes files dropped anywhere on the page; says what it takes while they hover over it. */
export function DropAnywhere({ title, children, onFiles }: DropAnywhereProps) {
  return (
    <Dropzone.FullScreen
      onDrop={onFiles}
      classNames={{ fullScreen: classes.full, root: classes.root, inner: classes.inner }}
    >
      <p className={classes.title}>{title}</p>
      <p className="dim">{children}</p>
    </Dropzone.FullScreen>
  );
}
