import { ActionIcon, Button, FileButton } from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { Images, Upload, X } from "lucide-react";
import { useState, type ReactNode } from "react";

import { countOf } from "@/components/format";
import { ErrorState } from "@/components/ProblemCard";

import classes from "./ImagePlaces.module.css";
import type { Place } from "./hosted";
import { MaskButton } from "./mask/MaskButton";
import { useImageUpload } from "./useImageUpload";

export type Chooser = (props: {
  isOpen: boolean;
  onClose: () => void;
  onChoose: (imageId: string) => void;
}) => ReactNode;

interface ImagePlacesProps {
  places: Place[];
  images: string[];
  errors: Record<string, string>;
  onChange: (by: (images: string[]) => string[]) => void;
  chooser: Chooser;
}

function Tile({ id, name, onRemove }: { id: string; name: string; onRemove: () => void }) {
  return (
    <div className={classes.tile}>
      <img src={`/api/images/${id}/thumbnails/128`} alt={name} width={72} height={72} draggable={false} />
      <ActionIcon size={24} className={classes.remove} aria-label={`Remove ${name}`} onClick={onRemove}>
        <X size={14} />
      </ActionIcon>
    </div>
  );
}

/** The place an image goes to when none was said: the first empty one, else the last. */
export function placed(images: string[], added: string[], count: number): string[] {
  const next = Array.from({ length: Math.max(count, images.length) }, (_, index) => images[index] ?? "");
  for (const id of added) {
    const empty = next.slice(0, count).indexOf("");
    next[empty < 0 ? count - 1 : empty] = id;
  }
  while (next.at(-1) === "") next.pop();
  return next;
}

/** Images a model starts from: from the gallery, from files, dropped, or pasted. */
export function ImagePlaces({ places, images, errors, onChange, chooser }: ImagePlacesProps) {
  const [isChoosing, setChoosing] = useState(false);
  const add = (ids: string[]) => onChange((old) => placed(old, ids, places.length));
  const { keep, waiting, error } = useImageUpload(add);
  const areReferences = places.every(({ isReference }) => isReference);
  const given = images.slice(0, places.length).filter(Boolean).length;
  const left = images.slice(places.length).filter(Boolean).length;
  const remove = (index: number) =>
    onChange((old) =>
      areReferences
        ? old.filter((_, at) => at !== index)
        : // A mask is of one image, and goes with it.
          old.map((id, at) => (at === index || places.at(at)?.isMask ? "" : id)),
    );
  const put = (index: number, id: string) =>
    onChange((old) =>
      Array.from({ length: places.length }, (_, at) => (at === index ? id : (old[at] ?? ""))),
    );
  const title = (place: Place, index: number) => (areReferences ? `Image ${index + 1}` : place.title);
  const shown = areReferences ? places.slice(0, given) : places;
  return (
    <section aria-label="Input images" className={classes.places}>
      <div className={classes.head}>
        <span className={classes.label}>{places.length === 1 ? "Input image" : "Input images"}</span>
        {areReferences && places.length > 1 && (
          <span className="dim small num">
            {given} of {places.length}
          </span>
        )}
      </div>
      {shown.length > 0 && (
        <ol className={classes.tiles}>
          {shown.map((place, index) => (
            <li key={place.field + String(index)} className={classes.place}>
              {images[index] ? (
                <Tile id={images[index]} name={title(place, index)} onRemove={() => remove(index)} />
              ) : (
                <span className={classes.empty} />
              )}
              <span className={classes.name}>
                {title(place, index)}
                {!areReferences && !place.isRequired && <span className="dim"> (optional)</span>}
              </span>
              {place.isMask && (
                <MaskButton
                  imageId={images[0] ?? ""}
                  maskId={images[index] ?? ""}
                  onKept={(id) => put(index, id)}
                />
              )}
              {!areReferences && <span className="dim small">{place.help}</span>}
              {errors[place.field] && <span className="bad small">{errors[place.field]}</span>}
            </li>
          ))}
        </ol>
      )}
      <Dropzone onDrop={(files) => void keep(files)} activateOnClick={false} className={classes.drop}>
        <div className={classes.buttons}>
          <Button
            size="xs"
            variant="default"
            leftSection={<Images size={14} />}
            onClick={() => setChoosing(true)}
          >
            From the gallery
          </Button>
          <FileButton
            multiple={places.length > 1}
            accept="image/*"
            onChange={(picked) => void keep([picked].flat())}
          >
            {(props) => (
              <Button size="xs" variant="default" leftSection={<Upload size={14} />} {...props}>
                From files
              </Button>
            )}
          </FileButton>
        </div>
        <p className="dim small" role="status">
          {waiting > 0
            ? `Keeping ${countOf(waiting, "image")}…`
            : areReferences && places.length > 1
              ? "Or drop or paste them. In the prompt they are “image 1”, “image 2”…"
              : "Or drop or paste one here."}
        </p>
      </Dropzone>
      {left > 0 && (
        <p className="dim small">
          {countOf(left, "image")} more {left === 1 ? "waits" : "wait"} for a model that takes more.
        </p>
      )}
      {error !== null && <ErrorState error={error} />}
      {chooser({
        isOpen: isChoosing,
        onClose: () => setChoosing(false),
        onChoose: (id) => {
          add([id]);
          setChoosing(false);
        },
      })}
    </section>
  );
}
