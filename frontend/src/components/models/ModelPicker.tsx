import { Combobox, Input, InputBase, Loader, useCombobox } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Check, Cloud, X } from "lucide-react";
import { useState } from "react";

import { hostedModelsQuery } from "@/api/hosted";
import { foundModelsQuery, localBasesQuery } from "@/api/queries";
import { serverModelsQuery } from "@/api/servers";
import { Picture } from "@/components/Picture";

import { abilities, canDraw, findHosted, nameOf, priceFrom, type Choice } from "./choice";
import classes from "./ModelPicker.module.css";

const SHOWN = 40;

function Thumb({ choice }: { choice: Choice | undefined }) {
  return (
    <span className={classes.thumb}>
      {choice?.kind === "local" && choice.model.cover && (
        <Picture key={choice.model.id} image={choice.model.cover} alt="" fit="square" show={32} />
      )}
      {choice?.kind === "hosted" && <Cloud size={15} strokeWidth={1.7} aria-hidden />}
    </span>
  );
}

function wordsOf(choice: Choice): string {
  if (choice.kind === "hosted") return abilities(choice.model).join(" · ");
  const { kind, base, trigger_word, is_ready, deployment, versions } = choice.model;
  if (!is_ready) return deployment && versions.length === 0 ? "only at BFL: from its page" : "not here yet";
  return kind === "base" ? "base" : [trigger_word, base].filter(Boolean).join(" · ");
}

function Line({ choice, isChosen }: { choice: Choice; isChosen: boolean }) {
  return (
    <span className={classes.option}>
      <Thumb choice={choice} />
      <span className={classes.names}>
        <span className="clip">{nameOf(choice)}</span>
        <span className={`${classes.words} clip`}>{wordsOf(choice)}</span>
      </span>
      {choice.kind === "hosted" && <span className={`${classes.words} num`}>{priceFrom(choice.model)}</span>}
      {isChosen && <Check size={14} aria-hidden />}
    </span>
  );
}

/** Models by where they draw; searched by the server, because there may be thousands. */
function useGroups(words: string, enabled: boolean) {
  const bases = useQuery({ ...localBasesQuery, enabled });
  const found = useQuery({ ...foundModelsQuery(words, SHOWN), enabled });
  const hosted = useQuery({ ...hostedModelsQuery, enabled });
  const servers = useQuery({ ...serverModelsQuery, enabled });
  const lower = words.toLowerCase();
  const asLocal = (models: Extract<Choice, { kind: "local" }>["model"][]) =>
    models.map((model): Choice => ({ kind: "local", model }));
  const here = (bases.data ?? []).filter(({ name }) => name.toLowerCase().includes(lower));
  const own = found.data?.items ?? [];
  const elsewhere = (servers.data ?? []).filter(({ name }) => name.toLowerCase().includes(lower));
  const at = findHosted(hosted.data ?? [], words).map((model): Choice => ({ kind: "hosted", model }));
  const further = (found.data?.total ?? 0) - own.length;
  return {
    groups: [
      { label: "This computer", choices: asLocal(here) },
      { label: "Finetuned", choices: asLocal(own) },
      { label: "On other computers", choices: asLocal(elsewhere.slice(0, SHOWN)) },
      { label: "Hosted at BFL", choices: at },
    ].filter(({ choices }) => choices.length > 0),
    further,
    isPending: bases.isPending || found.isPending || hosted.isPending,
  };
}

interface ModelPickerProps {
  value: Choice | undefined;
  label: string;
  /** Leave the label to screen readers. */
  isLabelHidden?: boolean;
  placeholder?: string;
  size?: "xs" | "sm";
  /** May be emptied; and models that can't draw now can be chosen, too. */
  isFilter?: boolean;
  onChange: (choice: Choice | null) => void;
}

export function ModelPicker({
  value,
  label,
  isLabelHidden,
  placeholder,
  size,
  isFilter,
  onChange,
}: ModelPickerProps) {
  const [typed, setTyped] = useState("");
  const [words] = useDebouncedValue(typed.trim(), 150);
  const combobox = useCombobox({
    onDropdownClose: () => {
      combobox.resetSelectedOption();
      setTyped("");
      // Who has clicked into another field stays there.
      window.setTimeout(() => {
        const { activeElement, body } = document;
        if (!activeElement || activeElement === body || activeElement === combobox.searchRef.current)
          combobox.focusTarget();
      });
    },
    onDropdownOpen: () => combobox.focusSearchInput(),
  });
  const { groups, further, isPending } = useGroups(words, combobox.dropdownOpened);
  const name = value && nameOf(value);
  const choices = groups.flatMap((group) => group.choices);
  const chosen = value?.model.id;
  const submit = (id: string) => {
    const choice = choices.find(({ model }) => model.id === id);
    if (choice) onChange(choice);
    combobox.closeDropdown();
  };
  return (
    <Input.Wrapper label={isLabelHidden ? undefined : label} labelElement="div" className={classes.picker}>
      <Combobox store={combobox} onOptionSubmit={submit} width={340} position="bottom-start">
        <Combobox.Target targetType="button">
          <InputBase
            component="button"
            type="button"
            pointer
            size={size}
            aria-label={`${label}: ${name ?? placeholder ?? "none"}`}
            leftSection={size === "xs" ? undefined : <Thumb choice={value} />}
            leftSectionWidth={42}
            rightSection={isFilter && value ? <span /> : <Combobox.Chevron />}
            rightSectionPointerEvents="none"
            onClick={() => combobox.toggleDropdown()}
          >
            <span className={`${classes.current} clip`}>
              {name ?? <Input.Placeholder>{placeholder}</Input.Placeholder>}
            </span>
          </InputBase>
        </Combobox.Target>
        {isFilter && value && (
          <button
            type="button"
            className={classes.clear}
            aria-label="All models"
            onClick={() => onChange(null)}
          >
            <X size={13} aria-hidden />
          </button>
        )}
        <Combobox.Dropdown>
          <Combobox.Search
            aria-label="Search models"
            placeholder="Search models"
            value={typed}
            onChange={(event) => {
              setTyped(event.currentTarget.value);
              combobox.updateSelectedOptionIndex();
            }}
          />
          <Combobox.Options mah={380} style={{ overflowY: "auto" }} aria-label={label}>
            {groups.map(({ label: group, choices: members }) => (
              <Combobox.Group key={group} label={group}>
                {members.map((choice) => (
                  <Combobox.Option
                    key={choice.model.id}
                    value={choice.model.id}
                    disabled={!isFilter && choice.kind === "local" && !canDraw(choice)}
                    active={choice.model.id === chosen}
                    data-dim={!canDraw(choice) || undefined}
                  >
                    <Line choice={choice} isChosen={choice.model.id === chosen} />
                  </Combobox.Option>
                ))}
              </Combobox.Group>
            ))}
            {choices.length === 0 && (
              <Combobox.Empty>{isPending ? <Loader size="xs" /> : "No model has these words"}</Combobox.Empty>
            )}
          </Combobox.Options>
          {further > 0 && (
            <Combobox.Footer>
              <span className="dim small">
                {further.toLocaleString("en")} more finetuned ones: type to find them
              </span>
            </Combobox.Footer>
          )}
        </Combobox.Dropdown>
      </Combobox>
    </Input.Wrapper>
  );
}
