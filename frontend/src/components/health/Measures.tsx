import { ActionIcon, Popover } from "@mantine/core";
import { CircleHelp } from "lucide-react";

import type { HealthReport, Method, Reading } from "@/api/generated";
import { lossNumber } from "@/components/format";
import { Badge } from "@/components/StateBadge";

import classes from "./Health.module.css";
import { fullReadings, measureWords, scaleOf, VERDICTS } from "./words";

function Head({ method }: { method: Method }) {
  return (
    <th scope="col">
      {method.title}
      <Popover width={280} position="bottom" withArrow>
        <Popover.Target>
          <ActionIcon size="xs" ml={4} aria-label={`What ${method.title.toLowerCase()} means`}>
            <CircleHelp size={13} />
          </ActionIcon>
        </Popover.Target>
        <Popover.Dropdown>
          <p className="small" style={{ whiteSpace: "normal" }}>
            {method.text}
          </p>
        </Popover.Dropdown>
      </Popover>
      <span>
        {method.unit}, {method.better} is better
      </span>
    </th>
  );
}

function Value({ reading, method, at }: { reading: Reading; method: Method; at: (value: number) => number }) {
  const measure = reading.measures[method.name];
  if (!measure) return <td>–</td>;
  const words = measureWords(measure, method.unit);
  const [low, high] = [100 * at(measure.low), 100 * at(measure.high)];
  return (
    <td>
      <strong>{words.value}</strong>{" "}
      <span className="dim" title={`90 % interval over ${measure.image_count} images`}>
        {words.range}
      </span>
      <div className={classes.interval} aria-hidden>
        <i style={{ left: `${low}%`, width: `${Math.max(2, high - low)}%` }} />
        <b style={{ left: `${100 * at(measure.value)}%` }} />
      </div>
    </td>
  );
}

/** The four measures of every checkpoint at full strength, each with its interval. */
export function Measures({ report }: { report: HealthReport }) {
  const readings = fullReadings(report);
  if (readings.length === 0) return null;
  const checkpoints = report.checkpoints ?? [];
  const hasValidation = checkpoints.some(({ validation }) => validation);
  return (
    // A region that scrolls must be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={classes.scroll} tabIndex={0} role="region" aria-label="Measures of each checkpoint">
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">Checkpoint</th>
            {report.methods.map((method) => (
              <Head key={method.name} method={method} />
            ))}
            {hasValidation && <th scope="col">Validation loss</th>}
          </tr>
        </thead>
        <tbody>
          {readings.map((reading) => {
            const checkpoint = checkpoints.find(({ step }) => step === reading.step);
            const verdict = checkpoint && VERDICTS[checkpoint.verdict];
            return (
              <tr key={reading.step} data-chosen={report.recommendation?.step === reading.step || undefined}>
                <th scope="row">
                  Step {reading.step}
                  {verdict && (
                    <div>
                      <Badge tone={verdict.tone}>{verdict.word}</Badge>
                    </div>
                  )}
                </th>
                {report.methods.map((method) => (
                  <Value
                    key={method.name}
                    reading={reading}
                    method={method}
                    at={scaleOf(readings, method.name)}
                  />
                ))}
                {hasValidation && (
                  <td>{checkpoint?.validation ? lossNumber(checkpoint.validation.loss) : "–"}</td>
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
