import { Button, NumberInput } from "@mantine/core";
import { ChevronDown, ChevronRight } from "lucide-react";
import { useState } from "react";

import type { CheckLimits as Limits } from "@/api/generated";

import classes from "./CheckPanel.module.css";

type Values = Required<Limits>;

interface Line {
  name: keyof Values;
  label: string;
  what: string;
  usual: number;
  max: number;
  step?: number;
}

const LINES: Line[] = [
  { name: "few_images", label: "Too few images below", what: "0: never", usual: 5, max: 1_000 },
  { name: "many_images", label: "Too many images above", what: "0: never", usual: 0, max: 100_000 },
  {
    name: "small_side",
    label: "Too small below",
    what: "Pixels on the shorter side",
    usual: 128,
    max: 4_096,
  },
  {
    name: "sharpness",
    label: "Blurred below",
    what: "Sharpness of the sharpest part; 0: never",
    usual: 12,
    max: 5_000,
  },
  {
    name: "jpeg_quality",
    label: "Compressed below",
    what: "Quality the JPEG was saved with; 0: never",
    usual: 40,
    max: 100,
  },
  {
    name: "alike_bits",
    label: "Look-alikes differ in at most",
    what: "Of 256 places; 0: only the very same",
    usual: 8,
    max: 8,
  },
  {
    name: "odd_ratio",
    label: "Odd shape above",
    what: "Longer over shorter side",
    usual: 3,
    max: 50,
    step: 0.1,
  },
  {
    name: "caption_tokens",
    label: "Caption too long above",
    what: "Tokens; 0: what the base reads",
    usual: 0,
    max: 4_096,
  },
];

interface CheckLimitsProps {
  limits: Limits;
  onChange: (limits: Limits) => Promise<unknown>;
}

/** Where the check draws its lines, for this dataset. */
export function CheckLimits({ limits, onChange }: CheckLimitsProps) {
  const [isOpen, setOpen] = useState(false);
  const moved = LINES.filter(({ name, usual }) => (limits[name] ?? usual) !== usual).length;
  const Chevron = isOpen ? ChevronDown : ChevronRight;
  const save = (next: Limits) => void onChange(next).catch(() => undefined);
  return (
    <div className={classes.limits}>
      <Button
        size="compact-sm"
        variant="quiet"
        leftSection={<Chevron size={14} />}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        What counts as a problem{moved > 0 && ` (${moved} changed)`}
      </Button>
      {isOpen && (
        <div className={classes.fields}>
          {LINES.map(({ name, label, what, usual, max, step }) => (
            <NumberInput
              key={`${name}-${limits[name]}`}
              size="xs"
              label={label}
              description={what}
              min={name === "odd_ratio" ? 1 : name === "small_side" ? 16 : 0}
              max={max}
              step={step ?? 1}
              clampBehavior="strict"
              defaultValue={limits[name] ?? usual}
              onBlur={(event) => {
                const value = Number(event.currentTarget.value.replaceAll(",", ""));
                if (event.currentTarget.value === "" || Number.isNaN(value)) return;
                if (value !== (limits[name] ?? usual)) save({ ...limits, [name]: value });
              }}
            />
          ))}
          {moved > 0 && (
            <Button size="compact-sm" variant="default" onClick={() => save({})}>
              Back to the usual
            </Button>
          )}
        </div>
      )}
    </div>
  );
}
