import { Button, Menu } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { History, Replace, Sparkles, Tag, WholeWord } from "lucide-react";
import { useState } from "react";

import type { Dataset } from "@/api/generated";
import { activeJobsQuery } from "@/api/queries";
import { useFlag } from "@/api/useFlag";
import { useMayChange } from "@/components/may/May";

import { useCaptionActions } from "./actions";
import classes from "./CaptionBar.module.css";
import { EditDialog } from "./EditDialog";
import { HistoryDialog } from "./HistoryDialog";
import { RunStrip } from "./RunStrip";
import { TriggerDialog } from "./TriggerDialog";
import { WordsDialog } from "./WordsDialog";
import { WriteDialog } from "./WriteDialog";

interface CaptionBarProps {
  dataset: Dataset;
  /** The chosen images, else the ones shown when not all are; null: all of the dataset. */
  ids: string[] | null;
  isChosen: boolean;
  refresh: () => Promise<unknown>;
  /** Bring in what changed, cheaply: called while a captioner writes. */
  sync: () => Promise<unknown>;
  onFind: (words: string) => void;
}

type Tool = "write" | "edit" | "trigger" | "words" | "history";

/** Everything that is done to many captions. */
export function CaptionBar({ dataset, ids, isChosen, refresh, sync, onFind }: CaptionBarProps) {
  const [tool, setTool] = useState<Tool | null>(null);
  const mayChange = useMayChange();
  const canWrite = useFlag("automatic-captions") && mayChange;
  const actions = useCaptionActions(dataset.id, refresh);
  const jobs = useQuery(activeJobsQuery);
  const job = jobs.data?.find((one) => one.kind === "captions" && one.target_id === dataset.id);
  const about = ids === null ? "all images" : `${ids.length} ${isChosen ? "chosen" : "shown"}`;
  const props = { dataset, ids, about, actions, isOpen: true, onClose: () => setTool(null) };
  return (
    <>
      <div className={classes.bar} role="toolbar" aria-label="Captions">
        <span className={classes.title}>Captions</span>
        {canWrite && (
          <Button
            size="xs"
            variant="default"
            data-lead="write-captions"
            leftSection={<Sparkles size={14} />}
            disabled={job !== undefined}
            onClick={() => setTool("write")}
          >
            Write captions
          </Button>
        )}
        {mayChange && (
          <>
            <Button
              size="xs"
              variant="default"
              leftSection={<Replace size={14} />}
              onClick={() => setTool("edit")}
              visibleFrom="lg"
            >
              Find and replace
            </Button>
            <Button
              size="xs"
              variant="default"
              leftSection={<Tag size={14} />}
              onClick={() => setTool("trigger")}
              visibleFrom="lg"
            >
              Trigger word
            </Button>
          </>
        )}
        <Button
          size="xs"
          variant="default"
          leftSection={<WholeWord size={14} />}
          onClick={() => setTool("words")}
          visibleFrom="lg"
        >
          Words
        </Button>
        <Button
          size="xs"
          variant="default"
          leftSection={<History size={14} />}
          onClick={() => setTool("history")}
          visibleFrom="lg"
        >
          History
        </Button>
        <Menu position="bottom-end">
          <Menu.Target>
            <Button size="xs" variant="default" hiddenFrom="lg">
              More
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {mayChange && <Menu.Item onClick={() => setTool("edit")}>Find and replace</Menu.Item>}
            {mayChange && <Menu.Item onClick={() => setTool("trigger")}>Trigger word</Menu.Item>}
            <Menu.Item onClick={() => setTool("words")}>Words</Menu.Item>
            <Menu.Item onClick={() => setTool("history")}>History</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </div>
      <RunStrip datasetId={dataset.id} job={job} actions={actions} sync={sync} />
      {tool === "write" && <WriteDialog {...props} />}
      {tool === "edit" && <EditDialog {...props} />}
      {tool === "trigger" && <TriggerDialog {...props} />}
      {tool === "history" && <HistoryDialog {...props} />}
      {tool === "words" && (
        <WordsDialog
          {...props}
          onFind={(words) => {
            setTool(null);
            onFind(words);
          }}
        />
      )}
    </>
  );
}

export interface DialogProps {
  dataset: Dataset;
  ids: string[] | null;
  /** Which images are meant, in two words. */
  about: string;
  actions: ReturnType<typeof useCaptionActions>;
  isOpen: boolean;
  onClose: () => void;
}
