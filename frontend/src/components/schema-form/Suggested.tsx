import { Autocomplete } from "@mantine/core";

import classes from "./SchemaForm.module.css";

/** A text one may mean, and what is known of it. */
export interface Suggestion {
  value: string;
  note: string;
}

interface SuggestedProps {
  label: string;
  description: string;
  error?: string;
  value: string;
  suggestions: Suggestion[];
  onChange: (value: string) => void;
}

/** A text to choose or to type. All are offered until something else is typed. */
export function Suggested({ suggestions, value, onChange, ...rest }: SuggestedProps) {
  const notes = new Map(suggestions.map((each) => [each.value, each.note]));
  return (
    <Autocomplete
      {...rest}
      data={suggestions.map((each) => each.value)}
      value={value}
      onChange={onChange}
      maxDropdownHeight={280}
      openOnFocus={false}
      clearable
      clearButtonProps={{ "aria-label": `Empty ${rest.label}` }}
      placeholder="Choose or type"
      filter={({ options, search }) => {
        const words = search.trim().toLowerCase();
        return options.filter(
          (option) =>
            notes.has(search.trim()) ||
            ("value" in option &&
              `${option.value} ${notes.get(option.value) ?? ""}`.toLowerCase().includes(words)),
        );
      }}
      renderOption={({ option }) => (
        <span className={classes.suggestion}>
          <span>{option.value}</span>
          <span className="dim small">{notes.get(option.value)}</span>
        </span>
      )}
    />
  );
}
