import { Radio } from "@mantine/core";
import { WandSparkles } from "lucide-react";

import classes from "./AspectPicker.module.css";
import { SHAPES, type Shape } from "./shapes";

interface AspectPickerProps {
  /** Null when none of them is meant. */
  value: Shape | null;
  /** The model may choose, too. */
  withAuto?: boolean;
  onChange: (shape: Shape) => void;
}

/** Aspect chosen by shape, not by numbers. */
export function AspectPicker({ value, withAuto, onChange }: AspectPickerProps) {
  return (
    <Radio.Group value={value ?? ""} onChange={(name) => onChange(name as Shape)} label="Shape">
      <div className={classes.shapes} data-auto={withAuto || undefined}>
        {withAuto && (
          <Radio.Card
            value="auto"
            className={classes.shape}
            radius="md"
            aria-label="As the model finds fitting"
          >
            <span className={classes.frame} aria-hidden>
              <WandSparkles size={17} strokeWidth={1.6} />
            </span>
            <span aria-hidden>Auto</span>
          </Radio.Card>
        )}
        {SHAPES.map(({ name, title, ratio }) => (
          <Radio.Card key={name} value={name} className={classes.shape} radius="md" aria-label={title}>
            <span className={classes.frame} aria-hidden>
              <span style={{ aspectRatio: String(ratio), [ratio >= 1 ? "width" : "height"]: 22 }} />
            </span>
            <span aria-hidden>{name}</span>
          </Radio.Card>
        ))}
      </div>
    </Radio.Group>
  );
}
