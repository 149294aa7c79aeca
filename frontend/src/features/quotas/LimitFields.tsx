import { NumberInput } from "@mantine/core";

import type { Limits } from "@/api/generated";
import { LIMIT_NAMES, LIMITS, type LimitName } from "@/components/quota/limits";

interface LimitFieldsProps {
  limits: Limits;
  only?: readonly LimitName[];
  placeholder: string;
  onChange: (name: LimitName, value: number | null) => void;
}

/** A field for each limit, in the units people think in. Empty is without limit. */
export function LimitFields({ limits, only = LIMIT_NAMES, placeholder, onChange }: LimitFieldsProps) {
  return only.map((name) => {
    const { label, unit, prefix, suffix, decimals } = LIMITS[name];
    const value = limits[name];
    return (
      <NumberInput
        key={name}
        label={label}
        placeholder={placeholder}
        prefix={prefix}
        suffix={suffix}
        min={0}
        allowNegative={false}
        decimalScale={decimals}
        thousandSeparator=","
        hideControls
        value={value == null ? "" : value / unit}
        onChange={(typed) =>
          onChange(name, typed === "" ? null : Math.round(Number(typed) * unit * 100) / 100)
        }
      />
    );
  });
}
