import { NumberInput } from "@mantine/core";
import { useState } from "react";

import { useFlag } from "@/api/useFlag";
import { AspectPicker } from "@/components/AspectPicker";
import type { Shape, Size } from "@/components/shapes";

import classes from "./Create.module.css";

/** Beyond it the server speaks of high resolution. */
const HIGH_RESOLUTION_PX = 1_100_000;

interface Limits {
  least: number;
  most: number;
  grid: number;
}

interface SideProps {
  label: string;
  value: number | undefined;
  limits?: Limits;
  error?: string;
  /** Null means: as the shape has it. */
  onChange: (value: number | null) => void;
}

function Side({ label, value, limits, error, onChange }: SideProps) {
  // While one types anew, the field is empty for a moment; that is no wish yet.
  const [isEmpty, setEmpty] = useState(false);
  return (
    <NumberInput
      size="xs"
      label={label}
      placeholder="Auto"
      value={isEmpty ? "" : (value ?? "")}
      min={limits?.least}
      max={limits?.most}
      step={limits?.grid}
      clampBehavior="none"
      allowDecimal={false}
      allowNegative={false}
      suffix=" px"
      error={error}
      onChange={(next) => {
        setEmpty(next === "");
        if (next !== "" && Number(next) !== value) onChange(Number(next));
      }}
      onBlur={() => {
        if (isEmpty) onChange(null);
        setEmpty(false);
      }}
    />
  );
}

interface SizeFieldsProps {
  shape: Shape | null;
  withAuto?: boolean;
  /** The size in pixels, however it came about; null when the model chooses; absent when it takes no pixels. */
  size?: Size | null;
  limits?: Limits;
  errors: Record<string, string>;
  onShape: (shape: Shape) => void;
  onSize: (size: Size | null) => void;
}

/** The shape by a click; the exact size for who wants it. */
export function SizeFields({ shape, withAuto, size, limits, errors, onShape, onSize }: SizeFieldsProps) {
  const isTooLarge = !useFlag("high-resolution") && !!size && size.width * size.height > HIGH_RESOLUTION_PX;
  const tooLarge = isTooLarge ? "Larger than 1.1 megapixels is switched off" : undefined;
  const change = (name: keyof Size) => (value: number | null) =>
    onSize(value === null ? null : { ...(size ?? { width: 1024, height: 1024 }), [name]: value });
  return (
    <div>
      <AspectPicker value={shape} withAuto={withAuto} onChange={onShape} />
      {size !== undefined && (
        <div className={classes.sides}>
          <Side
            label="Width"
            value={size?.width}
            limits={limits}
            error={errors.width ?? tooLarge}
            onChange={change("width")}
          />
          <Side
            label="Height"
            value={size?.height}
            limits={limits}
            error={errors.height}
            onChange={change("height")}
          />
        </div>
      )}
    </div>
  );
}
