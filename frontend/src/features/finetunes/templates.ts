import { useQueryClient } from "@tanstack/react-query";

import { call } from "@/api/call";
import {
  createTemplate,
  deleteTemplate,
  importTemplate,
  updateTemplate,
  type Template,
} from "@/api/generated";
import { templatesQuery } from "@/api/queries";
import { toastGood, toastProblem, toastUndo } from "@/components/undo";

import type { Draft } from "./draft";

/** What one does with templates; each leaves the list up to date. */
export function useTemplateActions() {
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: templatesQuery.queryKey });
  const save = async (name: string, { base, mode, quality, recipe }: Draft) => {
    const made = await call(
      createTemplate({ body: { name, base, mode: mode || null, quality: quality || null, recipe } }),
    );
    await refresh();
    toastGood(`Saved as “${made.name}”.`);
  };
  const rename = (id: string, name: string) =>
    call(updateTemplate({ path: { template_id: id }, body: { name } }))
      .catch(toastProblem)
      .finally(refresh);
  const remove = async ({ id, name, notes, base, mode, quality, recipe }: Template) => {
    try {
      await call(deleteTemplate({ path: { template_id: id } }));
      toastUndo(`Template “${name}” is gone.`, async () => {
        await call(createTemplate({ body: { name, notes, base, mode, quality, recipe } }));
        await refresh();
      });
    } catch (error) {
      toastProblem(error);
    }
    await refresh();
  };
  const take = async (text: string) => {
    const made = await call(importTemplate({ body: { text } }));
    await refresh();
    toastGood(`“${made.name}” is among the templates.`);
  };
  return { save, rename, remove, take };
}
