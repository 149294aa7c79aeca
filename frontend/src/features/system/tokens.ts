import { queryOptions } from "@tanstack/react-query";

import { call } from "@/api/call";
import { listTokens } from "@/api/generated";

export const tokensQuery = queryOptions({ queryKey: ["tokens"], queryFn: () => call(listTokens()) });

/** What a token may do. `rule` is what its owner needs for it. */
export const SCOPES = [
  { value: "v1", label: "BFL’s API (/v1)", rule: "read" },
  { value: "read", label: "See", rule: "read" },
  { value: "create", label: "Datasets and images", rule: "create" },
  { value: "train", label: "Finetunes and models", rule: "train" },
  { value: "administer", label: "Administer", rule: "administer" },
] as const;

export type Scope = (typeof SCOPES)[number]["value"];

export const LIVES = [
  { value: "", label: "Until revoked" },
  { value: "7", label: "7 days" },
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "1 year" },
];
