import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { call } from "@/api/call";
import { createDataset, createFinetune } from "@/api/generated";

/** The whole first way in one press: a dataset of a sample, a draft run on pocket, and its page. */
export function useTrySample() {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [doing, setDoing] = useState("");
  const attempt = useMutation({
    mutationFn: async (sample: string) => {
      setDoing("Putting the images into a dataset…");
      const dataset = await call(createDataset({ body: { sample } }));
      setDoing("Starting the run…");
      return call(createFinetune({ body: { dataset_id: dataset.id, base: "pocket", quality: "draft" } }));
    },
    onSuccess: (finetune) => {
      for (const key of ["datasets", "finetunes", "jobs"]) void client.invalidateQueries({ queryKey: [key] });
      return navigate({ to: "/finetunes/$finetuneId", params: { finetuneId: finetune.id } });
    },
    onSettled: () => setDoing(""),
  });
  return { attempt, doing };
}
