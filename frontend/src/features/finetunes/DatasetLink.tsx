import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import type { Finetune } from "@/api/generated";
import { datasetQuery } from "@/api/queries";

/** A link to what a run learnt from; runs outlive their datasets, and then `gone` stands there. */
export function DatasetLink({ run, children, gone }: { run: Finetune; children: string; gone: ReactNode }) {
  const query = useQuery({ ...datasetQuery(run.dataset_id), retry: false });
  if (query.isError) return gone;
  return (
    <Link to="/datasets/$datasetId" params={{ datasetId: run.dataset_id }}>
      {children}
    </Link>
  );
}
