import { Button, CloseButton, NumberInput, Popover, TagsInput } from "@mantine/core";
import { Crop, Repeat, RotateCcw, Tags, Trash2 } from "lucide-react";
import { useState } from "react";

import type { ImagesChange } from "@/api/generated";

import classes from "./SelectionBar.module.css";

interface SelectionBarProps {
  ids: string[];
  matching: number;
  knownTags: string[];
  isTrash: boolean;
  onSelectAll: () => void;
  onClear: () => void;
  onChange: (change: Omit<ImagesChange, "ids">, said: string) => Promise<unknown>;
  onCrop: () => void;
}

/** One field, one button: what a change to all chosen images needs. */
function Tagging({ knownTags, onChange }: Pick<SelectionBarProps, "knownTags" | "onChange">) {
  const [tags, setTags] = useState<string[]>([]);
  return (
    <div className={classes.form}>
      <TagsInput
        size="xs"
        label="Tags"
        placeholder="night, portrait…"
        data={knownTags}
        value={tags}
        onChange={setTags}
        maxTags={20}
        comboboxProps={{ withinPortal: false }}
        acceptValueOnBlur
      />
      <div className={classes.row}>
        <Button
          size="xs"
          variant="primary"
          disabled={tags.length === 0}
          onClick={() => void onChange({ add_tags: tags }, "tagged")}
        >
          Add
        </Button>
        <Button
          size="xs"
          variant="default"
          disabled={tags.length === 0}
          onClick={() => void onChange({ remove_tags: tags }, "no longer tagged")}
        >
          Take away
        </Button>
      </div>
    </div>
  );
}

function Repeating({ onChange }: Pick<SelectionBarProps, "onChange">) {
  const [repeats, setRepeats] = useState(1);
  return (
    <div className={classes.form}>
      <NumberInput
        size="xs"
        label="Repeats"
        description="How often an image is seen in each pass over the dataset."
        min={1}
        max={1000}
        value={repeats}
        onChange={(value) => setRepeats(Number(value) || 1)}
      />
      <Button size="xs" variant="primary" onClick={() => void onChange({ repeats }, `repeated ${repeats}×`)}>
        Set
      </Button>
    </div>
  );
}

/** What can be done to the chosen images; every deed can be undone. */
export function SelectionBar(props: SelectionBarProps) {
  const { ids, matching, isTrash, onSelectAll, onClear, onChange, onCrop } = props;
  if (ids.length === 0) return null;
  return (
    <section className={classes.bar} aria-label="Chosen images">
      <span className={classes.count} role="status">
        {ids.length.toLocaleString("en")} chosen
      </span>
      {ids.length < matching && (
        <Button size="xs" variant="quiet" onClick={onSelectAll}>
          All {matching.toLocaleString("en")}
        </Button>
      )}
      <span className={classes.gap} />
      {isTrash ? (
        <Button
          size="xs"
          variant="default"
          leftSection={<RotateCcw size={14} />}
          aria-label="Put back"
          onClick={() => void onChange({ removed: false }, "put back")}
        >
          Put back
        </Button>
      ) : (
        <>
          <Popover position="top" width={260} trapFocus>
            <Popover.Target>
              <Button size="xs" variant="default" leftSection={<Tags size={14} />} aria-label="Tag">
                Tag
              </Button>
            </Popover.Target>
            <Popover.Dropdown>
              <Tagging knownTags={props.knownTags} onChange={onChange} />
            </Popover.Dropdown>
          </Popover>
          <Button
            size="xs"
            variant="default"
            leftSection={<Crop size={14} />}
            aria-label="Crop and turn"
            onClick={onCrop}
          >
            Crop and turn
          </Button>
          <Popover position="top" width={240} trapFocus>
            <Popover.Target>
              <Button size="xs" variant="default" leftSection={<Repeat size={14} />} aria-label="Repeat">
                Repeat
              </Button>
            </Popover.Target>
            <Popover.Dropdown>
              <Repeating onChange={onChange} />
            </Popover.Dropdown>
          </Popover>
          <Button
            size="xs"
            variant="default"
            leftSection={<Trash2 size={14} />}
            aria-label="Remove"
            onClick={() => void onChange({ removed: true }, "removed")}
          >
            Remove
          </Button>
        </>
      )}
      <CloseButton size="sm" aria-label="Choose nothing" onClick={onClear} />
    </section>
  );
}
