import { Kbd, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { createSpotlight, Spotlight, useSpotlight, type SpotlightActionGroupData } from "@mantine/spotlight";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Boxes, Cloud, Images, Moon, Plus, Search, Sun, TrendingDown } from "lucide-react";
import { useState } from "react";

import { hostedModelsQuery } from "@/api/hosted";
import { datasetsQuery, finetunesQuery, foundModelsQuery, localBasesQuery } from "@/api/queries";
import { usePermissions } from "@/api/session";
import { abilities, findHosted } from "@/components/models/choice";

import { adminGroupsFor } from "./admin";
import { placesFor } from "./places";
import classes from "./Palette.module.css";

const [store, spotlight] = createSpotlight();
const MODELS = 12;
const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

export function PaletteButton() {
  return (
    <UnstyledButton className={classes.button} onClick={spotlight.open} aria-label="Search and commands">
      <Search size={15} aria-hidden />
      <span className={classes.hint}>Search or jump to…</span>
      <Kbd className={classes.kbd} size="xs">
        {isMac ? "⌘" : "Ctrl"} K
      </Kbd>
    </UnstyledButton>
  );
}

const icon = (Icon: typeof Search) => <Icon size={17} strokeWidth={1.8} aria-hidden />;

export function Palette() {
  const navigate = useNavigate();
  const permissions = usePermissions();
  const { setColorScheme } = useMantineColorScheme();
  const { opened } = useSpotlight(store);
  const [typed, setTyped] = useState("");
  const [words] = useDebouncedValue(typed.trim(), 150);
  // Only who opens it asks; models are searched by the server, because there may be thousands.
  const wanted = { enabled: opened };
  const datasets = useQuery({ ...datasetsQuery(), ...wanted }).data ?? [];
  const finetunes = useQuery({ ...finetunesQuery, ...wanted }).data ?? [];
  const bases = useQuery({ ...localBasesQuery, ...wanted }).data ?? [];
  const found = useQuery({ ...foundModelsQuery(words, MODELS), ...wanted }).data?.items ?? [];
  const hosted = useQuery({ ...hostedModelsQuery, ...wanted }).data ?? [];

  const groups: SpotlightActionGroupData[] = [
    {
      group: "Do",
      actions: [
        ...[
          {
            id: "do-create",
            label: "Make images",
            keywords: "create generate prompt",
            rule: "create",
            leftSection: icon(Plus),
            onClick: () => void navigate({ to: "/create" }),
          },
          {
            id: "do-finetune",
            label: "New finetune",
            keywords: "train",
            rule: "train",
            leftSection: icon(Plus),
            onClick: () => void navigate({ to: "/finetunes/new" }),
          },
        ].filter(({ rule }) => permissions.includes(rule)),
        {
          id: "do-dark",
          label: "Dark theme",
          leftSection: icon(Moon),
          onClick: () => setColorScheme("dark"),
        },
        {
          id: "do-light",
          label: "Light theme",
          leftSection: icon(Sun),
          onClick: () => setColorScheme("light"),
        },
      ],
    },
    {
      group: "Places",
      actions: [
        ...placesFor(permissions).map(({ to, label, Icon }) => ({
          id: to,
          label,
          leftSection: icon(Icon),
          onClick: () => void navigate({ to }),
        })),
        {
          id: "gallery",
          label: "Gallery",
          leftSection: icon(Images),
          onClick: () => void navigate({ to: "/gallery" }),
        },
        ...adminGroupsFor(permissions)
          .flatMap(({ pages }) => pages)
          .map(({ to, label, keywords, Icon }) => ({
            id: `admin-${to}`,
            label,
            description: "Admin",
            keywords,
            leftSection: icon(Icon),
            onClick: () => void navigate({ to }),
          })),
      ],
    },
    {
      group: "Models",
      actions: [...found, ...bases].map(({ id, name, kind, trigger_word }) => ({
        id: `model-${id}`,
        label: name,
        description: kind === "base" ? "Base" : trigger_word,
        // The server has found it, perhaps by a tag or a note.
        keywords: kind === "base" ? undefined : words,
        leftSection: icon(Boxes),
        onClick: () => void navigate({ to: "/models/$modelId", params: { modelId: id } }),
      })),
    },
    {
      group: "Create with",
      actions: (words && permissions.includes("create") ? findHosted(hosted, words) : []).map((model) => ({
        id: model.id,
        label: model.title,
        description: abilities(model).join(" · "),
        keywords: words,
        leftSection: icon(Cloud),
        onClick: () => void navigate({ to: "/create", search: { model: model.id } }),
      })),
    },
    {
      group: "Datasets",
      actions: datasets.map(({ id, name }) => ({
        id: `dataset-${id}`,
        label: name,
        leftSection: icon(Images),
        onClick: () => void navigate({ to: "/datasets/$datasetId", params: { datasetId: id } }),
      })),
    },
    {
      group: "Finetunes",
      actions: finetunes.map(({ id, name, state }) => ({
        id: `finetune-${id}`,
        label: name,
        description: state,
        leftSection: icon(TrendingDown),
        onClick: () => void navigate({ to: "/finetunes/$finetuneId", params: { finetuneId: id } }),
      })),
    },
  ];

  return (
    <Spotlight
      store={store}
      actions={groups.filter((group) => group.actions.length > 0)}
      shortcut={["mod + K", "/"]}
      onQueryChange={setTyped}
      nothingFound="Nothing by that name"
      highlightQuery
      scrollable
      maxHeight={420}
      limit={24}
      transitionProps={{ duration: 100 }}
      searchProps={{
        leftSection: icon(Search),
        placeholder: "Search or jump to…",
        "aria-label": "Search and commands",
      }}
    />
  );
}
