import { Button, FileButton } from "@mantine/core";
import { CloudDownload, FileUp } from "lucide-react";
import { useState } from "react";

import { DropAnywhere } from "@/components/DropAnywhere";

import { AddHosted } from "./AddHosted";
import { useImport } from "./catalogue";

/** Pick LoRA files, or drop them anywhere on the page; or name a finetune that lives at BFL. */
export function ImportModels() {
  const { busy, run } = useImport();
  const [isAdding, setAdding] = useState(false);
  return (
    <>
      <FileButton multiple accept=".safetensors" onChange={(files) => void run(files)}>
        {(props) => (
          <Button {...props} variant="default" leftSection={<FileUp size={16} />} loading={busy !== null}>
            Import a LoRA
          </Button>
        )}
      </FileButton>
      <Button variant="default" leftSection={<CloudDownload size={16} />} onClick={() => setAdding(true)}>
        Add from BFL
      </Button>
      {isAdding && <AddHosted isOpen onClose={() => setAdding(false)} />}
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
