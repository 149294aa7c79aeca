import { Pencil, X } from "lucide-react";
import { memo, type MouseEvent } from "react";

import type { DatasetImage, GridImage } from "@/api/generated";
import { May } from "@/components/may/May";
import { Picture } from "@/components/Picture";

import { CaptionField } from "./captions/CaptionField";
import type { SaveCaption } from "./captions/useCaption";
import type { Keys } from "./grid/selection";
import classes from "./ImageCard.module.css";
import { PROBLEM_WORDS } from "./problems";
import { TrainedPicture, type SeenAs } from "./shape/TrainedPicture";

export interface CardActions {
  onCaption: SaveCaption;
  onCaptionMove: (index: number, by: -1 | 0 | 1) => void;
  onRemove: (item: GridImage) => Promise<unknown>;
  onPick: (id: string, keys: Keys) => void;
  onToggle: (id: string, keys: Keys) => void;
  onOpen: (id: string) => void;
}

interface ImageCardProps extends CardActions {
  datasetId: string;
  item: GridImage;
  index: number;
  trigger: string;
  problems: DatasetImage["problems"];
  isSelected: boolean;
  isSelecting: boolean;
  seenAs: SeenAs | null;
}

/** What stands on a picture: what is wrong with it, how often it counts, its tags. */
function Badges({ item, problems }: { item: GridImage; problems: DatasetImage["problems"] }) {
  const words = problems.flatMap((problem) => PROBLEM_WORDS[problem] ?? []);
  if (words.length + item.tags.length === 0 && item.repeats === 1) return null;
  return (
    <ul className={classes.problems} aria-label="About this image">
      {words.map((word) => (
        <li key={word}>{word}</li>
      ))}
      {item.repeats > 1 && <li data-kind="fact">{item.repeats}×</li>}
      {item.tags.slice(0, 2).map((tag) => (
        <li key={`tag ${tag}`} data-kind="fact">
          {tag}
        </li>
      ))}
      {item.tags.length > 2 && <li data-kind="fact">+{item.tags.length - 2}</li>}
    </ul>
  );
}

export const ImageCard = memo(function ImageCard(props: ImageCardProps) {
  const { datasetId, item, index, trigger, problems, isSelected, isSelecting, seenAs } = props;
  const { onCaption, onCaptionMove, onRemove, onPick, onToggle, onOpen } = props;
  const number = index + 1;
  const click = (event: MouseEvent) => {
    if (event.shiftKey || event.ctrlKey || event.metaKey) onPick(item.id, event);
    else if (isSelecting) onToggle(item.id, event);
    else onOpen(item.id);
  };
  const facts = `${item.name} · ${item.image.width} × ${item.image.height}${item.edits ? " · edited" : ""}`;
  return (
    <div
      className={classes.card}
      data-selected={isSelected || undefined}
      data-picking={isSelecting || undefined}
    >
      <div className={classes.picture}>
        <button
          type="button"
          className={classes.open}
          data-index={index}
          onClick={click}
          aria-label={`Open image ${number}`}
        >
          {seenAs ? (
            <TrainedPicture item={item} seenAs={seenAs} />
          ) : (
            <Picture
              key={item.image.id}
              image={item.image}
              alt={item.caption || item.name}
              fit="square"
              show={260}
            />
          )}
        </button>
        {!seenAs && <Badges item={item} problems={problems} />}
        <May>
          <label className={classes.check}>
            <input
              type="checkbox"
              checked={isSelected}
              aria-label={`Select image ${number}`}
              onChange={() => undefined}
              onClick={(event) => onToggle(item.id, event)}
            />
          </label>
          <button
            type="button"
            className={classes.remove}
            title="Remove from the dataset"
            aria-label={`Remove image ${number}`}
            onClick={() => void onRemove(item)}
          >
            <X size={15} />
          </button>
        </May>
      </div>
      <CaptionField
        datasetId={datasetId}
        item={item}
        index={index}
        trigger={trigger}
        onCaption={onCaption}
        onMove={onCaptionMove}
      >
        <span title={facts}>
          {item.edits && <Pencil size={11} aria-label="Edited" />} {item.name}
        </span>
      </CaptionField>
    </div>
  );
});
