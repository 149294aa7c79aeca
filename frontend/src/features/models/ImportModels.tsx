import { Button, FileButton } from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { FileUp } from "lucide-react";

import { useImport } from "./catalogue";
import classes from "./Models.module.css";

/** Pick LoRA files, or drop them anywhere on the page. */
export function ImportModels() {
  const { busy, run } = useImport();
  return (
    <>
      <FileButton multiple accept=".safetensors" onChange={(files) => void run(files)}>
        {(props) => (
          <Button {...props} variant="default" leftSection={<FileUp size={16} />} loading={busy !== null}>
            Import a LoRA
          </Button>
        )}
      </FileButton>
      {busy && (
        <span className="dim small clip" role="status">
          Reading {busy}…
        </span>
      )}
      <Dropzone.FullScreen
        onDrop={(files) => void run(files)}
        classNames={{ fullScreen: classes.full, root: classes.drop, inner: classes.dropInner }}
      >
        <p className={classes.dropTitle}>Drop LoRA files</p>
        <p className="dim">
          Safetensors for any FLUX model: diffusers, kohya, ComfyUI, BFL, XLabs, OneTrainer.
        </p>
      </Dropzone.FullScreen>
    </>
  );
}
