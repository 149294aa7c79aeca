import { Button } from "@mantine/core";
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { LogOut } from "lucide-react";

import { call } from "@/api/call";
import {
  createLink,
  endOneSession,
  endOtherSessions,
  endSession,
  listSessions,
  type SignedInBrowser,
} from "@/api/generated";
import { useIsTeam } from "@/api/session";
import { Command } from "@/components/CopyButton";
import { ago } from "@/components/format";
import { Loaded } from "@/components/Loaded";
import { Panel, Section } from "@/components/Page";
import { toastGood, toastProblem } from "@/components/undo";

import classes from "./Access.module.css";
import { nameOf } from "./devices";

const sessionsQuery = queryOptions({ queryKey: ["sessions"], queryFn: () => call(listSessions()) });

/** The browsers one is signed in with, further ones by a link, and the way out. */
export function Browsers() {
  return (
    <Section title="Browsers">
      <Panel className={classes.panel}>
        <Invite />
        <SignedIn />
      </Panel>
    </Section>
  );
}

function Invite() {
  const invite = useMutation({ mutationFn: () => call(createLink()), onError: toastProblem });
  const link = invite.data && `${window.location.origin}/?token=${invite.data.token}`;
  return (
    <div className={classes.entry}>
      <div className={classes.grow}>
        <p className={classes.strong}>Another browser</p>
        <p className="dim small">A link signs in one browser of yours, once, within a day.</p>
      </div>
      <Button variant="default" loading={invite.isPending} onClick={() => invite.mutate()}>
        Make a sign-in link
      </Button>
      {link && (
        <div className={classes.wide} role="status">
          <Command>{link}</Command>
        </div>
      )}
    </div>
  );
}

function SignedIn() {
  const client = useQueryClient();
  const sessions = useQuery(sessionsQuery);
  const others = useMutation({
    mutationFn: () => call(endOtherSessions()),
    onSuccess: ({ count }) => {
      toastGood(
        count === 1 ? "One other browser was signed out." : `${count} other browsers were signed out.`,
      );
      return client.invalidateQueries({ queryKey: sessionsQuery.queryKey });
    },
    onError: toastProblem,
  });
  return (
    <Loaded query={sessions} skeleton={<p className="dim small">Looking for browsers…</p>}>
      {(list) => (
        <>
          <ul className={classes.entries} aria-label="Signed-in browsers">
            {list.map((session) => (
              <Browser key={session.id} session={session} />
            ))}
          </ul>
          {list.length > 2 && (
            <Button
              variant="default"
              style={{ alignSelf: "flex-start" }}
              loading={others.isPending}
              onClick={() => others.mutate()}
            >
              Sign out everywhere else
            </Button>
          )}
        </>
      )}
    </Loaded>
  );
}

function Browser({ session }: { session: SignedInBrowser }) {
  const client = useQueryClient();
  const isTeam = useIsTeam();
  const leave = useMutation({
    mutationFn: () =>
      session.is_this ? call(endSession()) : call(endOneSession({ path: { session_id: session.id } })),
    // Nothing this browser knows may stay in its memory.
    onSuccess: () =>
      session.is_this
        ? window.location.assign("/")
        : client.invalidateQueries({ queryKey: sessionsQuery.queryKey }),
    onError: toastProblem,
  });
  const name = session.is_this ? "This browser" : nameOf(session.device);
  return (
    <li className={classes.entry} aria-label={name}>
      <div className={classes.grow}>
        <p className={classes.strong}>{name}</p>
        <p className="dim small">
          {session.is_this && session.device && `${nameOf(session.device)} · `}
          {session.address && `from ${session.address} · `}signed in {ago(session.created_at)}
          {isTeam && session.last_seen_at && ` · last seen ${ago(session.last_seen_at)}`}
        </p>
        {session.is_this && !isTeam && (
          <p className="dim small">
            To come back, run <span className="mono">fluxtune open</span> or use a sign-in link.
          </p>
        )}
      </div>
      <Button
        variant="default"
        size={session.is_this ? "sm" : "compact-sm"}
        leftSection={session.is_this && <LogOut size={15} />}
        aria-label={session.is_this ? undefined : `Sign out ${name}`}
        loading={leave.isPending}
        onClick={() => leave.mutate()}
      >
        Sign out
      </Button>
    </li>
  );
}
