import { Collapse, UnstyledButton } from "@mantine/core";
import { ChevronRight } from "lucide-react";
import { useId, useState, type ReactNode } from "react";

import { fieldsOf, grouped, withValue, type Field } from "./fields";
import { SchemaField } from "./SchemaField";
import type { Suggestion } from "./Suggested";
import classes from "./SchemaForm.module.css";

interface SchemaFormProps {
  schema: Record<string, unknown>;
  /** What the user set; everything else is as usual. */
  values: Record<string, unknown>;
  /** The value a field has when the user sets nothing. */
  usual: Record<string, unknown>;
  errors?: Record<string, string>;
  /** Why fields have the value they have, where something is known about it. */
  reasons?: Record<string, string>;
  /** Further fields that are no part of the schema, behind the same fold; shown outside it once they are set. */
  extra?: ReactNode;
  isExtraSet?: boolean;
  /** Show what everyone must choose, too; else that is asked for elsewhere on the screen. */
  withBasics?: boolean;
  /** What is known of what a text may be, by the field's name; something else may be typed. */
  suggestions?: Record<string, Suggestion[]>;
  /** Fields asked for elsewhere on the screen. */
  except?: string[];
  onChange: (values: Record<string, unknown>) => void;
}

interface FoldProps {
  title: string;
  note?: string;
  /** Shown while folded: a fold never hides what differs. */
  always?: ReactNode;
  children: ReactNode;
}

export function Fold({ title, note, always, children }: FoldProps) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  return (
    <div>
      <UnstyledButton
        className={classes.fold}
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
      >
        <ChevronRight size={16} data-open={isOpen || undefined} aria-hidden />
        <span>{title}</span>
        {note && <span className={classes.note}>{note}</span>}
      </UnstyledButton>
      {!isOpen && always}
      <div id={id}>
        <Collapse expanded={isOpen} keepMounted={false}>
          <div className={classes.unfolded}>{children}</div>
        </Collapse>
      </div>
    </div>
  );
}

/** A form made from the server's own schema: "more" behind one fold, "expert" behind a second. */
export function SchemaForm(props: SchemaFormProps) {
  const {
    schema,
    values,
    usual,
    errors = {},
    reasons = {},
    suggestions = {},
    except = [],
    withBasics,
    extra,
    isExtraSet,
    onChange,
  } = props;
  const all = fieldsOf(schema).filter((field) => !except.includes(field.name));
  const basic = withBasics ? all.filter((field) => field.level === "basic") : [];
  const fields = all.filter((field) => field.level !== "basic");
  const changed = fields.filter((field) => field.name in values || field.name in errors);
  const more = fields.filter((field) => field.level === "more");
  const expert = fields.filter((field) => field.level === "expert");
  const expertChanged = changed.filter((field) => field.level === "expert");

  const draw = (list: Field[]) => (
    <div className={classes.fields}>
      {list.map((field) => {
        const usually = field.name in usual ? usual[field.name] : field.fallback;
        return (
          <SchemaField
            key={field.name}
            field={field}
            value={field.name in values ? values[field.name] : usually}
            usual={usually}
            isChanged={field.name in values}
            error={errors[field.name]}
            reason={reasons[field.name]}
            suggestions={suggestions[field.name]}
            onChange={(value) => onChange(withValue(values, field.name, value, usually))}
          />
        );
      })}
    </div>
  );
  const drawGroups = (list: Field[]) =>
    grouped(list).map(([name, members]) => (
      <fieldset key={name} className={classes.group}>
        <legend>{name}</legend>
        {draw(members)}
      </fieldset>
    ));

  const folded = (fields.length > 0 || extra) && (
    <Fold
      title="More settings"
      note={changed.length ? `${changed.length} changed` : undefined}
      always={
        <>
          {changed.length > 0 && draw(changed)}
          {isExtraSet && extra}
        </>
      }
    >
      {drawGroups(more)}
      {extra}
      {expert.length > 0 && (
        <Fold
          title="Expert settings"
          note={expertChanged.length ? `${expertChanged.length} changed` : undefined}
          always={expertChanged.length > 0 && draw(expertChanged)}
        >
          {drawGroups(expert)}
        </Fold>
      )}
    </Fold>
  );
  return (
    <>
      {basic.length > 0 && draw(basic)}
      {folded}
    </>
  );
}
