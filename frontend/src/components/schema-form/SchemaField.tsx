import {
  ActionIcon,
  NumberInput,
  Select,
  Switch,
  Textarea,
  TextInput,
  Tooltip,
  UnstyledButton,
} from "@mantine/core";
import { RotateCcw } from "lucide-react";
import { useId, useState } from "react";

import { compactNumber } from "@/components/format";

import { unitOf, type Field } from "./fields";
import classes from "./SchemaForm.module.css";
import { Suggested, type Suggestion } from "./Suggested";

interface SchemaFieldProps {
  field: Field;
  value: unknown;
  usual: unknown;
  isChanged: boolean;
  error?: string;
  reason?: string;
  suggestions?: Suggestion[];
  onChange: (value: unknown) => void;
}

const shown = (value: unknown) =>
  value === null || value === undefined || value === ""
    ? "automatic"
    : typeof value === "number"
      ? compactNumber(value)
      : Array.isArray(value)
        ? value.length
          ? "so"
          : "empty"
        : value === true
          ? "on"
          : value === false
            ? "off"
            : String(value);

/** A list typed as lines; what is being typed stays as typed. */
function Lines({
  value,
  onChange,
  ...rest
}: {
  value: string[];
  onChange: (value: string[]) => void;
  label: string;
  description: string;
  error?: string;
  inputWrapperOrder: ("label" | "input" | "description" | "error")[];
}) {
  const [text, setText] = useState(value.join("\n"));
  const kept = text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const current = JSON.stringify(kept) === JSON.stringify(value) ? text : value.join("\n");
  return (
    <Textarea
      {...rest}
      value={current}
      autosize
      minRows={2}
      maxRows={8}
      onChange={(event) => {
        setText(event.currentTarget.value);
        onChange(
          event.currentTarget.value
            .split("\n")
            .map((line) => line.trim())
            .filter(Boolean),
        );
      }}
    />
  );
}

function Control({
  field,
  value,
  usual,
  error,
  suggestions,
  onChange,
}: Omit<SchemaFieldProps, "isChanged" | "reason">) {
  // What it does stands under the field: fields of a row begin at one height, however long that is.
  const order = ["label", "input", "description", "error"] as const;
  const common = { label: field.title, description: field.help, error };
  switch (field.kind) {
    case "boolean":
      return (
        <Switch
          {...common}
          checked={Boolean(value)}
          onChange={(event) => onChange(event.currentTarget.checked)}
          labelPosition="left"
          classNames={{ body: classes.switchBody }}
        />
      );
    case "choice":
      return (
        <Select
          {...common}
          inputWrapperOrder={[...order]}
          data={field.choices}
          value={value as string}
          onChange={(next) => next && onChange(next)}
          allowDeselect={false}
        />
      );
    case "lines":
      return (
        <Lines
          {...common}
          inputWrapperOrder={[...order]}
          description={`${field.help} One a line.`}
          value={(value as string[] | undefined) ?? []}
          onChange={onChange}
        />
      );
    case "text":
      if (suggestions?.length)
        return (
          <Suggested {...common} value={String(value ?? "")} suggestions={suggestions} onChange={onChange} />
        );
      return (
        <TextInput
          {...common}
          inputWrapperOrder={[...order]}
          value={String(value ?? "")}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    default:
      return (
        <NumberInput
          {...common}
          inputWrapperOrder={[...order]}
          value={(value as number | null | undefined) ?? ""}
          placeholder={field.isNullable ? shown(usual) : undefined}
          allowDecimal={field.kind === "number"}
          min={field.minimum}
          max={field.maximum}
          step={field.step ?? (field.kind === "integer" ? 1 : stepFor(value ?? usual))}
          clampBehavior="none"
          suffix={field.unit ? ` ${unitOf(field.unit, value ?? usual)}` : undefined}
          onChange={(next) => onChange(next === "" ? (field.isNullable ? null : undefined) : next)}
        />
      );
  }
}

function stepFor(value: unknown): number {
  const size = Math.abs(Number(value)) || 1;
  return 10 ** Math.floor(Math.log10(size) - 1) || 0.01;
}

/** Why a value is as it is, opened where it stands. */
function Why({ title, value, reason }: { title: string; value: unknown; reason: string }) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  return (
    <div className={classes.why}>
      <UnstyledButton
        className={classes.whyButton}
        aria-expanded={isOpen}
        aria-controls={id}
        aria-label={`Why ${title} is ${shown(value)}`}
        onClick={() => setOpen(!isOpen)}
      >
        Why {shown(value)}?
      </UnstyledButton>
      <p id={id} hidden={!isOpen}>
        {reason}
      </p>
    </div>
  );
}

export function SchemaField(props: SchemaFieldProps) {
  const { field, value, usual, isChanged, reason, onChange } = props;
  return (
    <div
      className={classes.field}
      data-changed={isChanged || undefined}
      data-wide={field.kind === "lines" || undefined}
    >
      <Control {...props} />
      {reason && !isChanged && <Why title={field.title} value={value} reason={reason} />}
      {isChanged && (
        <Tooltip label={`Back to ${shown(usual)}`}>
          <ActionIcon
            className={classes.reset}
            size="sm"
            aria-label={`Reset ${field.title}`}
            onClick={() => onChange(undefined)}
          >
            <RotateCcw size={13} />
          </ActionIcon>
        </Tooltip>
      )}
    </div>
  );
}
