import type { Generation, GenerationSlot } from "@/api/generated";
import { ImageActions } from "@/components/ImageActions";
import { Meter } from "@/components/Meter";
import { Picture } from "@/components/Picture";
import type { Reuse } from "@/components/recipe";

import classes from "./Results.module.css";

interface ResultCardProps {
  generation: Generation;
  slot: GenerationSlot;
  onReuse: (reuse: Reuse) => void;
  onShow: (id: string) => void;
}

/** One image of a request: its box is there at once, then its steps, then the image. */
export function ResultCard({ generation, slot, onReuse, onShow }: ResultCardProps) {
  const { result } = slot;
  const name = `Image ${slot.index + 1}`;
  if (!result) {
    const isDrawn = slot.step > 0;
    return (
      <li
        className={classes.card}
        data-waiting
        style={{ aspectRatio: `${generation.width} / ${generation.height}` }}
      >
        <div className={classes.waiting}>
          <span className="num">
            {isDrawn
              ? `step ${slot.step} of ${generation.steps}`
              : generation.state === "queued"
                ? "waiting"
                : generation.cost
                  ? "asked for"
                  : "next"}
          </span>
          {!generation.cost && (
            <Meter
              label={`Progress of image ${slot.index + 1}`}
              value={slot.step}
              total={generation.steps}
              size={4}
              text={`step ${slot.step} of ${generation.steps}`}
            />
          )}
        </div>
      </li>
    );
  }
  return (
    <li className={classes.card}>
      <button
        type="button"
        className={classes.open}
        onClick={() => onShow(result.image.id)}
        aria-label={`${name}, seed ${slot.seed}: open`}
      >
        <Picture image={result.image} alt={generation.prompt} show={360} />
      </button>
      <div className={classes.actions}>
        <ImageActions item={result} onReuse={onReuse} />
      </div>
    </li>
  );
}
