import { ActionIcon, Menu } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Copy, Download, Ellipsis, History, Trash2 } from "lucide-react";
import { useState } from "react";

import { call } from "@/api/call";
import { copyADataset, type Dataset } from "@/api/generated";
import { May } from "@/components/may/May";
import { toastGood, toastProblem } from "@/components/undo";

import { SnapshotsDialog } from "./SnapshotsDialog";

const LAYOUTS = {
  bfl: "BFL: images and captions, flat",
  captions: "A folder, captions beside",
  kohya: "kohya, with repeats",
  imagefolder: "Hugging Face imagefolder",
} as const;

/** What can be done with a whole dataset: take it away, copy it, see what runs have seen of it, throw it away. */
export function DatasetMenu({ dataset, onRemove }: { dataset: Dataset; onRemove: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [isHistory, setHistory] = useState(false);
  const copy = useMutation({
    mutationFn: () => call(copyADataset({ path: { dataset_id: dataset.id } })),
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: ["datasets"] });
      toastGood(`“${made.name}” is there.`);
      return navigate({ to: "/datasets/$datasetId", params: { datasetId: made.id } });
    },
    onError: toastProblem,
  });
  return (
    <>
      <Menu position="bottom-end" width={260}>
        <Menu.Target>
          <ActionIcon size="lg" aria-label="More about this dataset">
            <Ellipsis size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <May rule="create">
            <Menu.Label>Download as ZIP</Menu.Label>
            {Object.entries(LAYOUTS).map(([layout, label]) => (
              <Menu.Item
                key={layout}
                component="a"
                href={`/api/datasets/${dataset.id}/export?layout=${layout}`}
                download
                disabled={dataset.image_count === 0}
                leftSection={<Download size={15} />}
              >
                {label}
              </Menu.Item>
            ))}
            <Menu.Divider />
          </May>
          <Menu.Item leftSection={<History size={15} />} onClick={() => setHistory(true)}>
            What runs have seen
          </Menu.Item>
          <May rule="create">
            <Menu.Item
              leftSection={<Copy size={15} />}
              onClick={() => copy.mutate()}
              disabled={copy.isPending}
            >
              Duplicate
            </Menu.Item>
          </May>
          <May>
            <Menu.Item leftSection={<Trash2 size={15} />} onClick={onRemove}>
              Move to trash
            </Menu.Item>
          </May>
        </Menu.Dropdown>
      </Menu>
      {isHistory && <SnapshotsDialog datasetId={dataset.id} onClose={() => setHistory(false)} />}
    </>
  );
}
