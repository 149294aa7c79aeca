import { Progress } from "@mantine/core";

interface MeterProps {
  label: string;
  value: number;
  total: number;
  size?: number;
  text?: string;
}

/** Real progress: done of planned, named for everyone. */
export function Meter({ label, value, total, size = 6, text }: MeterProps) {
  const share = total > 0 ? Math.min(100, (100 * value) / total) : 0;
  return (
    <Progress.Root size={size} radius="xl">
      <Progress.Section value={share} aria-label={label} aria-valuetext={text ?? `${value} of ${total}`} />
    </Progress.Root>
  );
}
