import type { Session, Sharing } from "@/api/generated";
import type { Rule } from "@/api/session";
import type { SharedKind } from "@/api/sharing";

/** Whether something may be changed by whoever looks at it, and if not, why. */
export interface Standing {
  may: boolean;
  /** A sentence or two; empty while it is not known, and where all is allowed. */
  why: string;
}

export const FREE: Standing = { may: true, why: "" };
const UNKNOWN: Standing = { may: false, why: "" };

/** What it takes to change a thing, as in the permission table of the server. */
export const RULE_OF: Record<SharedKind, Rule> = {
  dataset: "create",
  finetune: "train",
  model: "train",
  generation: "create",
};

const LEAST: Record<Rule, string> = {
  read: "a viewer",
  create: "a creator",
  train: "a trainer",
  administer: "an administrator",
};

/** Why a role is not enough, and who can mend it. */
export const roleReason = (rule: Rule, role: string) =>
  `It takes the role of ${LEAST[rule]}; yours is ${role}. An administrator can change that under Admin, People.`;

const COPY: Partial<Record<SharedKind, string>> = { dataset: " You may use it, or make a copy." };

/** Role first, then whose the thing is; `sharing` is undefined while it is not known. */
export function standingOf(
  kind: SharedKind,
  session: Pick<Session, "role" | "permissions" | "is_team"> | undefined,
  sharing: Pick<Sharing, "owner" | "may_change"> | undefined,
): Standing {
  if (!session) return UNKNOWN;
  const rule = RULE_OF[kind];
  if (!session.permissions.includes(rule))
    return {
      may: false,
      why: `You can look at this ${kind}, not change it. ${roleReason(rule, session.role)}`,
    };
  if (!session.is_team) return FREE;
  if (!sharing) return UNKNOWN;
  if (sharing.may_change) return FREE;
  const whose = sharing.owner ? `it is ${sharing.owner}’s` : "it is somebody else’s";
  return { may: false, why: `You can look at this ${kind}, not change it: ${whose}.${COPY[kind] ?? ""}` };
}
