import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";

import { call } from "@/api/call";
import { uploadDatasetImages, type DatasetImage, type UploadReport } from "@/api/generated";
import { problemOf } from "@/api/problem";
import { datasetImagesQuery } from "@/api/queries";

import { isArchive, isCaption, pathOf, planUploads, withoutJunk, type Picked } from "./upload-plan";

export interface Pending {
  key: string;
  name: string;
  preview: string | null;
  state: "waiting" | "sending";
}

export interface Refused {
  key: string;
  name: string;
  reason: string;
  action: string;
}

let counter = 0;

async function send(datasetId: string, batch: Picked[]): Promise<UploadReport> {
  const form = new FormData();
  for (const { file, path } of batch) form.append("files", file, path);
  return call(
    uploadDatasetImages({
      path: { dataset_id: datasetId },
      body: { files: batch.map(({ file }) => file) },
      // The generated serializer would drop the folder in a file's name.
      bodySerializer: () => form,
    }),
  );
}

/** Files on their way into a dataset: seen at once, sent a few at a time, each with its own fate. */
export function useUpload(datasetId: string) {
  const client = useQueryClient();
  const [pending, setPending] = useState<Pending[]>([]);
  const [refused, setRefused] = useState<Refused[]>([]);
  const [note, setNote] = useState("");
  const queue = useRef<Promise<void>>(Promise.resolve());
  const previews = useRef(new Set<string>());

  useEffect(() => {
    const made = previews.current;
    return () => made.forEach((url) => URL.revokeObjectURL(url));
  }, []);

  const refuse = useCallback((items: Omit<Refused, "key">[]) => {
    setRefused((old) => [...old, ...items.map((item) => ({ ...item, key: `refused-${counter++}` }))]);
  }, []);

  const add = useCallback(
    (files: File[]) => {
      const picked = withoutJunk(files.map((file) => ({ file, path: pathOf(file) })));
      const keys = new Map<File, string>();
      const shown = picked
        .filter(({ path }) => !isCaption(path))
        .map(({ file, path }) => {
          const key = `pending-${counter++}`;
          keys.set(file, key);
          const preview =
            file.type.startsWith("image/") && !isArchive(path) ? URL.createObjectURL(file) : null;
          if (preview) previews.current.add(preview);
          return { key, name: path, preview, state: "waiting" as const };
        });
      setPending((old) => [...old, ...shown]);
      setNote("");

      const totals = { added: 0, duplicates: 0, captions: 0 };
      const sendAll = async () => {
        for (const batch of planUploads(picked)) {
          const batchKeys = new Set(batch.map(({ file }) => keys.get(file)));
          setPending((old) =>
            old.map((one) => (batchKeys.has(one.key) ? { ...one, state: "sending" } : one)),
          );
          try {
            const report = await send(datasetId, batch);
            totals.added += report.added.length;
            totals.duplicates += report.duplicates.length;
            totals.captions += report.captioned_count;
            refuse(report.refused);
            client.setQueryData<DatasetImage[]>(datasetImagesQuery(datasetId).queryKey, (old = []) => {
              const known = new Set(old.map(({ id }) => id));
              return [...old, ...report.added.filter(({ id }) => !known.has(id))];
            });
          } catch (error) {
            const { title, detail, action } = problemOf(error);
            refuse(batch.map(({ path }) => ({ name: path, reason: detail || title, action })));
          }
          setPending((old) => old.filter((one) => !batchKeys.has(one.key)));
        }
        setNote(summary(totals));
        await client.invalidateQueries({ queryKey: ["dataset", datasetId] });
        void client.invalidateQueries({ queryKey: ["datasets"] });
      };
      queue.current = queue.current.then(sendAll);
    },
    [client, datasetId, refuse],
  );

  const dismiss = useCallback(() => setRefused([]), []);
  return { pending, refused, note, add, dismiss };
}

function summary({
  added,
  duplicates,
  captions,
}: {
  added: number;
  duplicates: number;
  captions: number;
}): string {
  return [
    added > 0 && `${added} ${added === 1 ? "image" : "images"} added`,
    captions > 0 && `${captions} ${captions === 1 ? "caption" : "captions"} read from text files`,
    duplicates > 0 && `${duplicates} already here`,
  ]
    .filter(Boolean)
    .join(", ");
}
