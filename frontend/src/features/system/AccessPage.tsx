import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { LogOut } from "lucide-react";

import { call } from "@/api/call";
import { createLink, endSession } from "@/api/generated";
import { Command } from "@/components/CopyButton";
import { Page, Panel, Section } from "@/components/Page";
import { toastProblem } from "@/components/undo";

import classes from "./Access.module.css";
import { Tokens } from "./Tokens";

/** Further browsers get in with a link; this one may leave. */
function Browsers() {
  const invite = useMutation({ mutationFn: () => call(createLink()), onError: toastProblem });
  const leave = useMutation({
    mutationFn: () => call(endSession()),
    // Nothing this browser knows may stay in its memory.
    onSuccess: () => window.location.assign("/"),
    onError: toastProblem,
  });
  const link = invite.data && `${window.location.origin}/?token=${invite.data.token}`;
  return (
    <Section title="Browsers">
      <Panel className={classes.panel}>
        <div className={classes.entry}>
          <div className={classes.grow}>
            <p className={classes.strong}>Another browser</p>
            <p className="dim small">A link signs in one browser, once, within a day.</p>
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
        <div className={classes.entry}>
          <div className={classes.grow}>
            <p className={classes.strong}>This browser</p>
            <p className="dim small">
              To come back, run <span className="mono">fluxtune open</span> or use a sign-in link.
            </p>
          </div>
          <Button
            variant="default"
            leftSection={<LogOut size={15} />}
            loading={leave.isPending}
            onClick={() => leave.mutate()}
          >
            Sign out
          </Button>
        </div>
      </Panel>
    </Section>
  );
}

/** Who gets in: programs with a token, browsers with a session. */
export function AccessPage() {
  return (
    <Page title="Access" sub="Which programs and browsers get in.">
      <Tokens />
      <Browsers />
    </Page>
  );
}
