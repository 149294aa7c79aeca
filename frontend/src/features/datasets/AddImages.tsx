import { Button, FileButton } from "@mantine/core";
import { FolderOpen, ImagePlus } from "lucide-react";
import { useEffect, useEffectEvent, useRef } from "react";

import { DropAnywhere } from "@/components/DropAnywhere";
import { Empty } from "@/components/Empty";

import classes from "./AddImages.module.css";

interface AddImagesProps {
  onFiles: (files: File[]) => void;
  isEmpty: boolean;
}

/** Drop anywhere on the page, paste, or pick: files, a folder, a ZIP. */
export function AddImages({ onFiles, isEmpty }: AddImagesProps) {
  const folder = useRef<HTMLInputElement>(null);
  const paste = useEffectEvent((event: ClipboardEvent) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    onFiles(files);
  });
  useEffect(() => {
    const listen = (event: ClipboardEvent) => paste(event);
    window.addEventListener("paste", listen);
    return () => window.removeEventListener("paste", listen);
  }, []);

  const buttons = (
    <>
      <FileButton
        multiple
        accept="image/*,.heic,.heif,.avif,.tif,.tiff,.zip,.txt,.caption,.jsonl,.csv,.json"
        onChange={onFiles}
      >
        {(props) => (
          <Button
            {...props}
            data-lead="add-images"
            variant={isEmpty ? "primary" : "default"}
            leftSection={<ImagePlus size={16} />}
          >
            Add images
          </Button>
        )}
      </FileButton>
      <Button
        variant="default"
        leftSection={<FolderOpen size={16} />}
        onClick={() => folder.current?.click()}
      >
        Add a folder
      </Button>
      <input
        ref={folder}
        type="file"
        hidden
        multiple
        // React passes this non-standard attribute through; it makes the picker choose a folder.
        {...{ webkitdirectory: "" }}
        aria-label="Choose a folder"
        onChange={(event) => {
          onFiles([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = "";
        }}
      />
    </>
  );

  return (
    <>
      <DropAnywhere title="Drop images, a folder or a ZIP" onFiles={onFiles}>
        Text files with the same name become captions.
      </DropAnywhere>
      {isEmpty ? (
        <Empty
          title="Drop images, a folder or a ZIP anywhere"
          art={<ImagePlus size={36} strokeWidth={1.3} />}
          action={buttons}
        >
          Eight to twenty views of the same thing work best: near and far, different places and light. Pasting
          works, too. Text files with the same name become captions.
        </Empty>
      ) : (
        <div className={classes.strip}>
          {buttons}
          <span className="dim small">or drop or paste them anywhere on this page</span>
        </div>
      )}
    </>
  );
}
