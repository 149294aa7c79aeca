import { Radio } from "@mantine/core";

import classes from "./AspectPicker.module.css";
import { SHAPES, type ShapeName } from "./shapes";

/** Aspect chosen by shape, not by numbers. */
export function AspectPicker({
  value,
  onChange,
}: {
  value: ShapeName;
  onChange: (shape: ShapeName) => void;
}) {
  return (
    <Radio.Group value={value} onChange={(name) => onChange(name as ShapeName)} label="Shape">
      <div className={classes.shapes}>
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
