import { useQuery } from "@tanstack/react-query";

import type { Finetune } from "@/api/generated";
import { serversQuery } from "@/api/servers";

const WORDS = { pause: "pausing", sample: "samples on demand", save: "checkpoints on demand" } as const;
export type Offer = keyof typeof WORDS;

/** What a server does not offer to others, as one says it. */
export function lackText(name: string, lacking: Offer[]): string {
  const words = lacking.map((offer) => WORDS[offer]);
  const all = words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words.at(-1) ?? ""}` : words[0];
  return `${name} does not offer ${all} to others. That is done in the studio there.`;
}

/** What a run can be asked: everything here, and at a server what it has said that it offers. */
export function useOffers(run: Finetune) {
  const servers = useQuery({ ...serversQuery, enabled: Boolean(run.server_id) });
  const server = servers.data?.find(({ id }) => id === run.server_id);
  const offers = (what: Offer) => !run.server_id || Boolean(server?.extensions.includes(what));
  const lacking = server ? (Object.keys(WORDS) as Offer[]).filter((what) => !offers(what)) : [];
  return { offers, why: lacking.length > 0 ? lackText(server?.name ?? "", lacking) : "" };
}
