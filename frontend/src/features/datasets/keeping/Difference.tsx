import { useQuery } from "@tanstack/react-query";

import { call } from "@/api/call";
import { compareSnapshots, type SnapshotDifference } from "@/api/generated";
import { countOf } from "@/components/format";
import { Loaded } from "@/components/Loaded";

import { FrozenImages, FrozenPicture } from "./FrozenImages";
import classes from "./SnapshotsDialog.module.css";

type Pairs = SnapshotDifference["captions"];

/** Both states of each image that changed, side by side. */
function Changed({
  title,
  pairs,
  tell,
}: {
  title: string;
  pairs: Pairs;
  tell: (one: Pairs[number]["after"]) => string;
}) {
  if (pairs.length === 0) return null;
  return (
    <section>
      <h3 className={classes.heading}>
        {title} <span className="dim num">{pairs.length}</span>
      </h3>
      <ul className={classes.pairs}>
        {pairs.map(({ before, after }, index) => (
          <li key={`${after.sha256} ${index}`}>
            <FrozenPicture frozen={before} />
            <span className={classes.gone}>{tell(before)}</span>
            <FrozenPicture frozen={after} />
            <span>{tell(after)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

const sayEdits = (one: Pairs[number]["after"]) => {
  if (!one.edits) return "The original";
  const { turn, mirror, crop } = one.edits;
  return [turn && `turned ${turn}°`, mirror && "mirrored", crop && `cut to ${crop.width} × ${crop.height}`]
    .filter(Boolean)
    .join(", ");
};

/** What came, went and changed between two snapshots. */
export function Difference({
  datasetId,
  before,
  after,
}: {
  datasetId: string;
  before: string;
  after: string;
}) {
  const difference = useQuery({
    queryKey: ["dataset", datasetId, "difference", before, after],
    queryFn: () =>
      call(compareSnapshots({ path: { dataset_id: datasetId, snapshot: before }, query: { to: after } })),
  });
  return (
    <Loaded query={difference}>
      {({ added, removed, captions, edits, repeats, is_order_changed, same_count }) => (
        <div className={classes.parts}>
          <p className="dim small" role="status">
            {countOf(same_count, "image")} the same
            {is_order_changed && "; the order has changed"}.
          </p>
          {added.length > 0 && (
            <section>
              <h3 className={classes.heading}>
                Added <span className="dim num">{added.length}</span>
              </h3>
              <FrozenImages images={added} />
            </section>
          )}
          {removed.length > 0 && (
            <section>
              <h3 className={classes.heading}>
                Removed <span className="dim num">{removed.length}</span>
              </h3>
              <FrozenImages images={removed} />
            </section>
          )}
          <Changed title="Captions" pairs={captions} tell={({ caption }) => caption || "No caption"} />
          <Changed title="Edits" pairs={edits} tell={sayEdits} />
          <Changed title="Repeats" pairs={repeats} tell={(one) => `${one.repeats}×`} />
        </div>
      )}
    </Loaded>
  );
}
