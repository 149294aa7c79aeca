import { Menu } from "@mantine/core";
import { Download, FileText } from "lucide-react";

import { call } from "@/api/call";
import { exportVersion, getCard, type Model } from "@/api/generated";
import { toastProblem } from "@/components/undo";

const LAYOUTS = [
  { layout: "diffusers", label: "Download for diffusers" },
  { layout: "kohya", label: "Download for ComfyUI and kohya" },
  { layout: "bfl", label: "Download with BFL's names" },
] as const;

function keep(content: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The usual version as other programs want it, and its card. */
export function ExportItems({ model }: { model: Model }) {
  const version_id = model.default_version_id;
  if (!version_id) return null;
  const path = { model_id: model.id, version_id };
  const stem = model.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-") || "model";
  const convert = async (layout: (typeof LAYOUTS)[number]["layout"]) => {
    const content = await call(exportVersion({ path, query: { layout }, parseAs: "blob" }));
    keep(content as Blob, `${stem}-${layout}.safetensors`);
  };
  const card = async () => {
    const { name, markdown } = await call(getCard({ path }));
    keep(new Blob([markdown], { type: "text/markdown" }), name);
  };
  return (
    <>
      {LAYOUTS.map(({ layout, label }) => (
        <Menu.Item
          key={layout}
          leftSection={<Download size={15} />}
          onClick={() => void convert(layout).catch(toastProblem)}
        >
          {label}
        </Menu.Item>
      ))}
      <Menu.Item leftSection={<FileText size={15} />} onClick={() => void card().catch(toastProblem)}>
        Download a model card
      </Menu.Item>
    </>
  );
}
