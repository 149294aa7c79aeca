import { Progress } from "@mantine/core";

interface MeterProps {
  label: string;
  value: number;
  total: number;
  size?: number;
  text?: string;
}

/** Real progress: done of planned, named for everyone; read out as steps, not as a share. */
export function Meter({ label, value, total, size = 6, text }: MeterProps) {
  const share = total > 0 ? Math.min(100, (100 * value) / total) : 0;
  return (
    <Progress.Root size={size} radius="xl">
      <Progress.Section
        value={share}
        withAria={false}
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={value}
        aria-valuetext={text ?? `${value} of ${total}`}
      />
    </Progress.Root>
  );
}
