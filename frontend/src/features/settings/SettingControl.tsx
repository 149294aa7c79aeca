import { Button, NumberInput, PasswordInput, Select, Switch, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { Setting } from "@/api/generated";
import { basesQuery } from "@/api/queries";

import classes from "./Settings.module.css";
import {
  anyValue,
  asLines,
  asPairs,
  inWords,
  linesOf,
  pairsOf,
  same,
  shapeOf,
  told,
  typedIn,
  type Shape,
} from "./values";

interface ControlProps {
  setting: Setting;
  error?: string;
  isBusy: boolean;
  save: (value: unknown) => void;
}

type TypedProps = ControlProps & { shape: Shape };

/** Typed text is kept until one leaves the field or presses Enter; then it is saved, if it differs. */
function useTyped(start: string, save: (text: string) => void) {
  const [draft, setDraft] = useState<string | null>(null);
  return {
    value: draft ?? start,
    onChange: (event: { currentTarget: { value: string } }) => setDraft(event.currentTarget.value),
    onBlur: () => {
      if (draft !== null && draft !== start) save(draft);
      setDraft(null);
    },
  };
}

const onEnter = (event: React.KeyboardEvent<HTMLInputElement>) => {
  if (event.key === "Enter") event.currentTarget.blur();
};

function TextControl({ setting, shape, error, save }: TypedProps) {
  const typed = useTyped(String(setting.value ?? ""), (text) =>
    save(shape.isNullable && !text.trim() ? null : text.trim()),
  );
  return (
    <TextInput
      {...typed}
      aria-label={setting.title}
      error={error}
      placeholder={told(setting.default)}
      onKeyDown={onEnter}
    />
  );
}

function LinesControl({ setting, shape, error, save }: TypedProps) {
  const isPairs = shape.kind === "pairs";
  const typed = useTyped(isPairs ? asPairs(setting.value) : asLines(setting.value), (text) =>
    save(isPairs ? pairsOf(text, shape.isOpen ? anyValue : undefined) : linesOf(text)),
  );
  return (
    <Textarea
      {...typed}
      aria-label={setting.title}
      description={isPairs ? "A line for each: name = value" : "One a line"}
      inputWrapperOrder={["input", "description", "error"]}
      classNames={{ input: "mono" }}
      error={error}
      autosize
      minRows={1}
      maxRows={8}
    />
  );
}

function NumberControl({ setting, shape, error, save }: TypedProps) {
  const [draft, setDraft] = useState<string | number | null>(null);
  const { unit, factor } = typedIn(setting.value, setting.unit);
  const now = typeof setting.value === "number" ? Number((setting.value / factor).toFixed(3)) : "";
  const value = draft ?? now;
  return (
    <NumberInput
      aria-label={setting.title}
      description={inWords(value, setting.unit)}
      inputWrapperOrder={["input", "description", "error"]}
      error={error}
      value={value}
      placeholder={told(setting.default, setting.unit)}
      allowDecimal={shape.kind === "number" || factor > 1}
      min={shape.minimum === undefined ? undefined : shape.minimum / factor}
      max={shape.maximum === undefined ? undefined : shape.maximum / factor}
      step={shape.step}
      clampBehavior="none"
      hideControls
      suffix={unit ? ` ${unit}` : undefined}
      onChange={setDraft}
      onKeyDown={onEnter}
      onBlur={() => {
        const next = draft === "" ? (shape.isNullable ? null : now) : draft;
        if (draft !== null && !same(next, now))
          save(factor > 1 && next !== null ? Math.round(Number(next) * factor) : next);
        setDraft(null);
      }}
    />
  );
}

/** A base, picked from those there are; one that is gone is still shown. */
function BaseControl({ setting, shape, error, save }: TypedProps) {
  const bases = useQuery(basesQuery).data ?? [];
  const value = String(setting.value ?? "");
  const known = bases.map(({ name, title, is_ready }) => ({
    value: name,
    label: is_ready ? title : `${title} (not here yet)`,
  }));
  const isKnown = value === "" || known.some((each) => each.value === value);
  return (
    <Select
      aria-label={setting.title}
      data={isKnown ? known : [...known, { value, label: value }]}
      value={value || null}
      placeholder="The usual one"
      clearable
      searchable
      error={error}
      onChange={(next) => save(next ?? (shape.isNullable ? null : ""))}
    />
  );
}

/** A secret is typed in and never shown again. */
function SecretControl({ setting, error, isBusy, save }: ControlProps) {
  const [draft, setDraft] = useState("");
  if (setting.locked !== null)
    return <p className="dim small">{setting.is_set ? "Set, and not shown" : "Not set"}</p>;
  return (
    <form
      className={classes.secret}
      onSubmit={(event) => {
        event.preventDefault();
        save(draft);
        setDraft("");
      }}
    >
      <PasswordInput
        aria-label={setting.title}
        autoComplete="off"
        placeholder={setting.is_set ? "Set, and not shown" : "Not set"}
        error={error}
        value={draft}
        onChange={(event) => setDraft(event.currentTarget.value)}
      />
      <Button type="submit" variant="default" disabled={!draft} loading={isBusy}>
        {setting.is_set ? "Replace" : "Set"}
      </Button>
    </form>
  );
}

/** The field that fits a setting's kind; it saves by itself. */
export function SettingControl(props: ControlProps) {
  const { setting, error, isBusy, save } = props;
  const shape = shapeOf(setting);
  // What can't be changed is no field.
  if (setting.locked !== null && shape.kind !== "secret")
    return <p className={classes.fixed}>{told(setting.value, setting.unit)}</p>;
  if (setting.picks === "bases") return <BaseControl {...props} shape={shape} />;
  switch (shape.kind) {
    case "boolean":
      return (
        <Switch
          aria-label={setting.title}
          checked={Boolean(setting.value)}
          disabled={isBusy}
          error={error}
          onChange={(event) => save(event.currentTarget.checked)}
        />
      );
    case "choice":
      return (
        <Select
          aria-label={setting.title}
          data={shape.choices.map((choice) => ({ value: choice, label: setting.labels?.[choice] ?? choice }))}
          value={(setting.value as string | null) ?? null}
          placeholder={told(setting.default)}
          clearable={shape.isNullable}
          error={error}
          allowDeselect={false}
          onChange={(next) => (next !== null || shape.isNullable) && save(next)}
        />
      );
    case "integer":
    case "number":
      return <NumberControl {...props} shape={shape} />;
    case "lines":
    case "pairs":
      return <LinesControl {...props} shape={shape} />;
    case "secret":
      return <SecretControl {...props} />;
    default:
      return <TextControl {...props} shape={shape} />;
  }
}
