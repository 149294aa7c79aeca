import { Button } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { ImageUp, Repeat2, Sprout } from "lucide-react";

import { useMay } from "@/api/session";
import { CopyButton } from "@/components/CopyButton";
import { ago } from "@/components/format";
import { ImageActions, useImageActions } from "@/components/ImageActions";
import { Lightbox } from "@/components/Lightbox";
import { Changing, useStanding } from "@/components/may/May";
import { recipeRows, recipeText, type Reuse } from "@/components/recipe";

import { useShownRecord } from "./records";
import classes from "./Viewer.module.css";

interface ViewerProps {
  ids: string[];
  shown: string | undefined;
  onShow: (id: string | undefined) => void;
  onReuse: (reuse: Reuse) => void;
}

/** One image with the recipe that made it; arrows go through the gallery, F marks a favourite. */
export function Viewer({ ids, shown, onShow, onReuse }: ViewerProps) {
  const record = useShownRecord(shown);
  const { favourite } = useImageActions();
  const index = shown ? ids.indexOf(shown) : -1;
  const at = (position: number) => (index >= 0 && ids[position] ? () => onShow(ids[position]) : undefined);
  const standing = useStanding("generation", record?.facts.generation_id ?? "");
  const mayCreate = useMay("create");
  useHotkeys([["F", () => standing.may && record && void favourite(record)]]);
  const reuse = (kind: Reuse["kind"]) => () =>
    record && onReuse({ kind, facts: record.facts, imageId: record.image.id });

  return (
    <Lightbox
      image={shown ? (record?.image ?? null) : null}
      alt={record?.facts.prompt ?? ""}
      title="Image"
      onClose={() => onShow(undefined)}
      onPrevious={at(index - 1)}
      onNext={at(index + 1)}
    >
      {record && (
        <Changing by={standing}>
          <div className="row">
            <ImageActions item={record} onRemoved={() => onShow(ids[index + 1] ?? ids[index - 1])} />
          </div>
          <p className={classes.prompt}>{record.facts.prompt}</p>
          <dl className="facts">
            {recipeRows(record.facts).map(([name, value]) => (
              <div key={name} style={{ display: "contents" }}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
            <dt>Made</dt>
            <dd>{ago(record.image.created_at)}</dd>
          </dl>
          <div className={classes.buttons}>
            {mayCreate && (
              <>
                <Button variant="primary" leftSection={<Repeat2 size={16} />} onClick={reuse("everything")}>
                  Reuse everything
                </Button>
                <Button variant="default" leftSection={<Sprout size={16} />} onClick={reuse("seed")}>
                  Reuse seed
                </Button>
                <Button variant="default" leftSection={<ImageUp size={16} />} onClick={reuse("image")}>
                  Start from this image
                </Button>
              </>
            )}
            <span className="row dim small">
              <CopyButton value={recipeText(record.facts)} label="Copy recipe" /> Recipe as text
            </span>
          </div>
        </Changing>
      )}
    </Lightbox>
  );
}
