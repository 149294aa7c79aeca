import { Modal, SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { CaptionFrequencies } from "@/api/generated";
import { countOf } from "@/components/format";
import { Loaded } from "@/components/Loaded";

import type { DialogProps } from "./CaptionBar";
import classes from "./CaptionBar.module.css";
import { frequenciesQuery } from "./queries";

/** How long captions are, in a sentence. */
function lengthsOf(count: number, { median, longest, is_counted }: CaptionFrequencies["tokens"]): string {
  if (count === 0) return "";
  return ` Half of the captions have ${is_counted ? "" : "about "}${countOf(median, "token")} or fewer, the longest ${longest}.`;
}

/** What the captions say how often; a click shows the images. */
export function WordsDialog({
  dataset,
  isOpen,
  onClose,
  onFind,
}: DialogProps & { onFind: (words: string) => void }) {
  const [what, setWhat] = useState<"words" | "tags">("words");
  const frequencies = useQuery(frequenciesQuery(dataset.id));
  return (
    <Modal opened={isOpen} onClose={onClose} title="What the captions say" size="lg">
      <Loaded query={frequencies} skeleton={<p className="dim small">Counting…</p>}>
        {(found) => (
          <div className={classes.form}>
            <SegmentedControl
              value={what}
              onChange={(value) => setWhat(value as "words" | "tags")}
              data={[
                { value: "words", label: "Words" },
                { value: "tags", label: "Parts between commas" },
              ]}
            />
            <p className="dim small">
              In how many of {countOf(found.captioned_count, "caption")} each stands. Click one to see its
              images.{lengthsOf(found.captioned_count, found.tokens)}
            </p>
            <div className={classes.words}>
              {found[what].map(({ text, count }) => (
                <button key={text} type="button" className={classes.word} onClick={() => onFind(text)}>
                  {text}
                  <span>{count.toLocaleString("en")}</span>
                </button>
              ))}
              {found[what].length === 0 && <p className="dim">No image has a caption yet.</p>}
            </div>
          </div>
        )}
      </Loaded>
    </Modal>
  );
}
