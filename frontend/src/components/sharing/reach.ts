import type { Sharing, SharingUpdate } from "@/api/generated";

export type Access = "see" | "change";
export type Reach = "private" | "people" | "everyone";

/** Who a thing is shared with, in one word. */
export const reachOf = ({ everyone, people }: Pick<Sharing, "everyone" | "people">): Reach =>
  everyone ? "everyone" : people.length ? "people" : "private";

export const REACH_LABEL: Record<Reach, string> = {
  private: "Private",
  people: "Shared",
  everyone: "Everyone",
};

export interface SharingDraft {
  reach: Reach;
  everyoneMay: Access;
  people: { person_id: string; name: string; may: Access }[];
}

export const draftOf = (sharing: Sharing): SharingDraft => ({
  reach: reachOf(sharing),
  everyoneMay: sharing.everyone ?? "see",
  people: sharing.people,
});

/** What the server is told. Of what is shared with everyone, people only count who may do more. */
export function updateOf({ reach, everyoneMay, people }: SharingDraft): SharingUpdate {
  const entries = people
    .filter(
      ({ may }) => reach === "people" || (reach === "everyone" && may === "change" && everyoneMay === "see"),
    )
    .map(({ person_id, may }) => [person_id, may] as const);
  return { everyone: reach === "everyone" ? everyoneMay : null, people: Object.fromEntries(entries) };
}
