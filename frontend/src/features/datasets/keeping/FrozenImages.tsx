import { ImageOff } from "lucide-react";
import { VirtuosoGrid } from "react-virtuoso";

import type { SnapshotImage } from "@/api/generated";
import { Picture } from "@/components/Picture";

import classes from "./SnapshotsDialog.module.css";

export function FrozenPicture({ frozen }: { frozen: SnapshotImage }) {
  return (
    <span className={classes.picture}>
      {frozen.image ? (
        <Picture image={frozen.image} alt={frozen.caption || frozen.name} fit="square" show={120} />
      ) : (
        <span className={classes.lost} title="Not in storage any more">
          <ImageOff size={18} aria-label="Not in storage any more" />
        </span>
      )}
    </span>
  );
}

/** Images as a run has seen them; only those on screen exist. */
export function FrozenImages({ images }: { images: SnapshotImage[] }) {
  return (
    <VirtuosoGrid
      className={classes.frame}
      style={{ height: Math.min(420, 16 + 190 * Math.ceil(images.length / 4)) }}
      totalCount={images.length}
      initialItemCount={Math.min(images.length, 8)}
      listClassName={classes.images}
      itemContent={(index) => {
        const frozen = images[index];
        return (
          <div className={classes.image}>
            <FrozenPicture frozen={frozen} />
            <span className={classes.caption} title={frozen.caption}>
              {frozen.repeats > 1 && <b className="num">{frozen.repeats}× </b>}
              {frozen.caption || <span className="dim">{frozen.name}</span>}
            </span>
          </div>
        );
      }}
    />
  );
}
