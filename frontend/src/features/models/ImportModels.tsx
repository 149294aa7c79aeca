import { Button, FileButton } from "@mantine/core";
import { FileUp } from "lucide-react";

import { DropAnywhere } from "@/components/DropAnywhere";

import { useImport } from "./catalogue";

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
      <DropAnywhere title="Drop LoRA files" onFiles={(files) => void run(files)}>
        Safetensors for any FLUX model: diffusers, kohya, ComfyUI, BFL, XLabs, OneTrainer.
      </DropAnywhere>
    </>
  );
}
