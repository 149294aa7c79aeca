import { Button, Menu } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { BookMarked, ListChecks, Save } from "lucide-react";
import { useState } from "react";

import type { Template } from "@/api/generated";
import { templatesQuery } from "@/api/queries";
import { toastUndo } from "@/components/undo";

import { fromTemplate, type Draft } from "./draft";
import { ManageTemplates } from "./ManageTemplates";
import { SaveTemplate } from "./SaveTemplate";

/** Recipes kept under a name: start from one, keep this one, look after them. */
export function TemplatesMenu({ draft, update }: { draft: Draft; update: (by: Partial<Draft>) => void }) {
  const templates = useQuery(templatesQuery).data ?? [];
  const [shown, setShown] = useState<"save" | "manage" | null>(null);
  const choose = (template: Template) => {
    const before = draft;
    update(fromTemplate(draft, template));
    toastUndo(`Everything is set as in “${template.name}”.`, () => Promise.resolve(update(before)));
  };
  return (
    <>
      <Menu position="bottom-end" width={260}>
        <Menu.Target>
          <Button variant="default" leftSection={<BookMarked size={16} />}>
            Templates
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {templates.map((template) => (
            <Menu.Item
              key={template.id}
              leftSection={<BookMarked size={15} />}
              onClick={() => choose(template)}
            >
              {template.name}
            </Menu.Item>
          ))}
          <Menu.Item leftSection={<Save size={15} />} onClick={() => setShown("save")}>
            Save as template
          </Menu.Item>
          <Menu.Item leftSection={<ListChecks size={15} />} onClick={() => setShown("manage")}>
            Manage templates
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <SaveTemplate draft={draft} isOpen={shown === "save"} onClose={() => setShown(null)} />
      <ManageTemplates isOpen={shown === "manage"} onClose={() => setShown(null)} />
    </>
  );
}
