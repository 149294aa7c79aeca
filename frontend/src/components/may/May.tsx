import { useQuery } from "@tanstack/react-query";
import { Eye, LockKeyhole } from "lucide-react";
import { createContext, use, type ReactNode } from "react";

import { sessionQuery } from "@/api/queries";
import { useMay, type Rule } from "@/api/session";
import { sharingQuery, type SharedKind } from "@/api/sharing";
import { Empty } from "@/components/Empty";

import classes from "./May.module.css";
import { FREE, roleReason, standingOf, type Standing } from "./standing";

const Here = createContext<Standing>(FREE);

/** Whether whoever looks may change one thing: by role, and by what its owner has shared. */
export function useStanding(kind: SharedKind, id: string): Standing {
  const session = useQuery({ ...sessionQuery, enabled: false }).data;
  const sharing = useQuery({ ...sharingQuery(kind, id), enabled: (session?.is_team ?? false) && id !== "" });
  return standingOf(kind, session, sharing.data);
}

/** Whether what this part of a page shows may be changed; true where nothing was said. */
export const useMayChange = () => use(Here).may;

/** Says for everything within it whether it may be changed. */
export function Changing({ by, children }: { by: Standing; children: ReactNode }) {
  return <Here value={by}>{children}</Here>;
}

/** Shown to whoever may do what is under a rule; without a rule, to whoever may change what is here. */
export function May({ rule, children }: { rule?: Rule; children: ReactNode }) {
  const mayChange = useMayChange();
  if (rule) return <ByRule rule={rule}>{children}</ByRule>;
  return mayChange ? children : null;
}

// Apart, so that the thousands of cards that ask for no rule don't each watch the session.
function ByRule({ rule, children }: { rule: Rule; children: ReactNode }) {
  return useMay(rule) ? children : null;
}

/** Fields that can be read by all and typed into by whoever may change what is here. */
export function Fields({ children }: { children: ReactNode }) {
  return (
    <fieldset className={classes.fields} disabled={!useMayChange()}>
      {children}
    </fieldset>
  );
}

/** Why nothing can be changed here; nothing where it can. */
export function WhyNot() {
  const { why } = use(Here);
  if (!why) return null;
  return (
    <p className={classes.why} role="note">
      <Eye size={16} aria-hidden /> {why}
    </p>
  );
}

/** A page for whoever holds a rule; others read what it takes. */
export function Only({ rule, children }: { rule: Rule; children: ReactNode }) {
  const isAllowed = useMay(rule);
  const role = useQuery({ ...sessionQuery, enabled: false }).data?.role ?? "";
  if (isAllowed) return children;
  return (
    <Empty title="Your role does not include this" art={<LockKeyhole size={32} strokeWidth={1.4} />}>
      {roleReason(rule, role)}
    </Empty>
  );
}
