import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";

import type { CaptionPair, CaptionPreview, CaptionStepCreate } from "@/api/generated";
import { problemOf } from "@/api/problem";
import { countOf } from "@/components/format";

import { differ } from "./differ";
import classes from "./Preview.module.css";
import { previewQuery } from "./queries";

/** What an edit would do, asked again shortly after each change of it. */
export function usePreview(datasetId: string, body: CaptionStepCreate | null) {
  const [settled] = useDebouncedValue(body, 250);
  const query = useQuery(previewQuery(datasetId, settled));
  const isCurrent = JSON.stringify(settled) === JSON.stringify(body);
  return {
    preview: isCurrent && body !== null ? query.data : undefined,
    error: isCurrent && body !== null && query.isError ? problemOf(query.error) : null,
  };
}

function Pair({ pair }: { pair: CaptionPair }) {
  const { start, removed, added, end } = differ(pair.before, pair.after);
  return (
    <li>
      <span className={classes.name}>{pair.name}</span>
      <span>
        {start}
        {removed && <del>{removed}</del>}
        {added && <ins>{added}</ins>}
        {end}
      </span>
    </li>
  );
}

/** The captions an edit would change, with what goes and what comes. */
export function Preview({ preview }: { preview: CaptionPreview | undefined }) {
  if (!preview) return <p className={classes.empty}>What changes is shown here.</p>;
  const { changed_count, image_count, typed_count, refused, changes } = preview;
  return (
    <div className={classes.preview}>
      <p role="status" className={classes.counts}>
        <strong>{countOf(changed_count, "caption")}</strong> of {image_count.toLocaleString("en")} would
        change
        {typed_count > 0 && `, ${typed_count.toLocaleString("en")} of them typed by hand`}
        {refused.length > 0 && `; ${countOf(refused.length, "caption")} would become too long and stay`}.
      </p>
      {changes.length > 0 && (
        // A list that scrolls must be reachable by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <ul className={classes.list} tabIndex={0} aria-label="Captions that would change">
          {changes.map((pair) => (
            <Pair key={pair.dataset_image_id} pair={pair} />
          ))}
          {changed_count > changes.length && (
            <li className="dim">and {(changed_count - changes.length).toLocaleString("en")} more</li>
          )}
        </ul>
      )}
    </div>
  );
}
