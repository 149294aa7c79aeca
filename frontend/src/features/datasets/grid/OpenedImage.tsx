import { useEffect } from "react";

import { Lightbox } from "@/components/Lightbox";
import { useMayChange } from "@/components/may/May";
import type { DatasetActions } from "@/features/datasets/actions";
import { EditorDialog } from "@/features/datasets/shape/EditorDialog";
import { ImageFacts } from "@/features/datasets/shape/ImageFacts";

import { useRecord } from "./records";

interface OpenedImageProps {
  datasetId: string;
  ids: string[];
  id: string;
  knownTags: string[];
  actions: DatasetActions;
  onOpen: (id: string | null) => void;
}

/** One image large: to be put into shape and described, or only looked at. */
export function OpenedImage({ datasetId, ids, id, knownTags, actions, onOpen }: OpenedImageProps) {
  const item = useRecord(datasetId, id);
  const { recordsOf } = actions;
  useEffect(() => {
    void recordsOf([id]);
  }, [recordsOf, id]);
  const mayChange = useMayChange();
  if (!item) return null;
  const place = ids.indexOf(id);
  const at = (index: number) => (ids[index] ? () => onOpen(ids[index]) : undefined);
  if (!mayChange)
    return (
      <Lightbox
        image={item.image}
        alt={item.caption || item.name}
        title={item.name}
        onClose={() => onOpen(null)}
        onPrevious={at(place - 1)}
        onNext={at(place + 1)}
      >
        <p>{item.caption || "It has no caption."}</p>
      </Lightbox>
    );
  return (
    <EditorDialog
      key={`${id} ${item.image.id}`}
      datasetId={datasetId}
      item={item}
      number={place + 1}
      count={ids.length}
      onGo={(by) => onOpen(ids[place + by] ?? id)}
      onClose={() => onOpen(null)}
    >
      <ImageFacts
        key={id}
        item={item}
        knownTags={knownTags}
        onCaption={actions.caption}
        onChange={actions.describe}
      />
    </EditorDialog>
  );
}
