import { Popover } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { History } from "lucide-react";
import { useState, type ComponentProps } from "react";

import type { CaptionVersion } from "@/api/generated";
import { ago } from "@/components/format";
import { Loaded } from "@/components/Loaded";
import { useMayChange } from "@/components/may/May";

import classes from "./CaptionField.module.css";
import { versionsQuery } from "./queries";

const AUTHORS: Record<CaptionVersion["caption_by"], string> = {
  none: "emptied",
  person: "typed",
  file: "from a file",
  sample: "from the sample",
  auto: "automatic",
};

function aboutOf({ caption_by, caption_source, at, step_title, is_undone }: CaptionVersion): string {
  const by = caption_by === "auto" && caption_source ? `by ${caption_source}` : AUTHORS[caption_by];
  return [step_title ?? by, at && ago(at), is_undone && "undone"].filter(Boolean).join(" · ");
}

interface VersionsProps {
  datasetId: string;
  imageId: string;
  number: number;
  current: string;
  onUse: (caption: string) => void;
}

function List({ datasetId, imageId, current, onUse }: VersionsProps) {
  const versions = useQuery(versionsQuery(datasetId, imageId));
  const mayChange = useMayChange();
  return (
    <Loaded query={versions} skeleton={<p className="dim small">Loading…</p>}>
      {(list) =>
        list.length === 0 ? (
          <p className="dim small">It has not been changed yet.</p>
        ) : (
          <ul className={classes.versions}>
            {list.map((version, index) => (
              <li key={`${version.at} ${index}`}>
                <button
                  type="button"
                  disabled={!mayChange || version.caption === current}
                  onClick={() => onUse(version.caption)}
                >
                  {version.caption || <em>no caption</em>}
                </button>
                <span className="dim small">{aboutOf(version)}</span>
              </li>
            ))}
          </ul>
        )
      }
    </Loaded>
  );
}

function Opener({ number, ...rest }: { number: number } & ComponentProps<"button">) {
  return (
    <button
      type="button"
      className={classes.history}
      title="What it was before"
      aria-label={`History of the caption of image ${number}`}
      {...rest}
    >
      <History size={13} />
    </button>
  );
}

/** What a caption was, and who wrote it; a click brings it back for whoever may change it. */
export function Versions(props: VersionsProps) {
  const [isOpen, setOpen] = useState(false);
  // Thousands of cards scroll by: what opens is made when it is opened.
  if (!isOpen) return <Opener number={props.number} onClick={() => setOpen(true)} />;
  return (
    <Popover opened={isOpen} onChange={setOpen} position="top-end" width={300} trapFocus withinPortal>
      <Popover.Target>
        <Opener number={props.number} onClick={() => setOpen(false)} />
      </Popover.Target>
      <Popover.Dropdown>
        <List
          {...props}
          onUse={(caption) => {
            props.onUse(caption);
            setOpen(false);
          }}
        />
      </Popover.Dropdown>
    </Popover>
  );
}
