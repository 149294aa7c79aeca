import { Kbd, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { Spotlight, spotlight, type SpotlightActionGroupData } from "@mantine/spotlight";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { BookOpen, Boxes, Images, Moon, Plus, Search, Sun, TrendingDown } from "lucide-react";

import { datasetsQuery, finetunesQuery, modelsQuery } from "@/api/queries";

import { ADMIN, PLACES } from "./places";
import classes from "./Palette.module.css";

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
  const { setColorScheme } = useMantineColorScheme();
  const datasets = useQuery(datasetsQuery()).data ?? [];
  const models = useQuery(modelsQuery()).data ?? [];
  const finetunes = useQuery(finetunesQuery).data ?? [];

  const groups: SpotlightActionGroupData[] = [
    {
      group: "Do",
      actions: [
        {
          id: "do-create",
          label: "Make images",
          keywords: "create generate prompt",
          leftSection: icon(Plus),
          onClick: () => void navigate({ to: "/create" }),
        },
        {
          id: "do-finetune",
          label: "New finetune",
          keywords: "train",
          leftSection: icon(Plus),
          onClick: () => void navigate({ to: "/finetunes/new" }),
        },
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
        ...[...PLACES, ADMIN].map(({ to, label, Icon }) => ({
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
        {
          id: "api",
          label: "API reference",
          leftSection: icon(BookOpen),
          onClick: () => void navigate({ to: "/system/api" }),
        },
      ],
    },
    {
      group: "Models",
      actions: models.map(({ id, name, kind, trigger_word }) => ({
        id: `model-${id}`,
        label: name,
        description: kind === "base" ? "Base" : trigger_word,
        leftSection: icon(Boxes),
        onClick: () => void navigate({ to: "/models/$modelId", params: { modelId: id } }),
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
      actions={groups.filter((group) => group.actions.length > 0)}
      shortcut={["mod + K", "/"]}
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
