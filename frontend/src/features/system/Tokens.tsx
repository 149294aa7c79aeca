import { Button, Modal } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "@/api/call";
import { revokeToken, type ApiToken } from "@/api/generated";
import { useFlag } from "@/api/useFlag";
import { focusWhenLost } from "@/components/focus";
import { ago } from "@/components/format";
import { Loaded } from "@/components/Loaded";
import { Panel, Section } from "@/components/Page";
import { Fold } from "@/components/schema-form/SchemaForm";
import { toastGood, toastProblem } from "@/components/undo";

import classes from "./Access.module.css";
import { NewToken } from "./NewToken";
import { SCOPES, tokensQuery } from "./tokens";

/** A revoked token can't be brought back, so this asks first. */
function Revoke({ token, onClose }: { token: ApiToken | null; onClose: () => void }) {
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: (gone: ApiToken) => call(revokeToken({ path: { token_id: gone.id } })),
    onSuccess: async ({ name }) => {
      await client.invalidateQueries({ queryKey: tokensQuery.queryKey });
      onClose();
      toastGood(`“${name}” gets in no more.`);
    },
    onError: toastProblem,
  });
  return (
    <Modal
      opened={token !== null}
      onClose={onClose}
      title="Revoke this token?"
      onExitTransitionEnd={focusWhenLost}
    >
      <div className="stack">
        <p>Programs that use it are refused at once. A token can’t be brought back; a new one can be made.</p>
        <Button
          variant="primary"
          loading={revoke.isPending}
          onClick={() => token && revoke.mutate(token)}
          style={{ alignSelf: "flex-end" }}
        >
          Revoke
        </Button>
      </div>
    </Modal>
  );
}

function endOf(iso: string): string {
  const day = new Date(iso).toLocaleDateString(undefined, { day: "numeric", month: "long", year: "numeric" });
  return Date.parse(iso) > Date.now() ? `until ${day}` : `ran out on ${day}`;
}

function Entry({ token, onRevoke }: { token: ApiToken; onRevoke?: () => void }) {
  const used = token.last_used_at ? `used ${ago(token.last_used_at)}` : "never used";
  return (
    <li className={classes.entry}>
      <div className={classes.grow}>
        <p className={classes.strong}>{token.name}</p>
        <p className="dim small">
          ends with <span className="mono">{token.ending}</span> · made {ago(token.created_at)} · {used}
          {token.revoked_at && ` · revoked ${ago(token.revoked_at)}`}
        </p>
        <p className="dim small">
          {SCOPES.filter(({ value }) => token.scopes.includes(value))
            .map(({ label }) => label)
            .join(", ")}
          {token.expires_at && ` · ${endOf(token.expires_at)}`}
        </p>
      </div>
      {onRevoke && (
        <Button size="compact-sm" variant="default" aria-label={`Revoke ${token.name}`} onClick={onRevoke}>
          Revoke…
        </Button>
      )}
    </li>
  );
}

export function Tokens() {
  const tokens = useQuery(tokensQuery);
  const hasServer = useFlag("v1-server");
  const [going, setGoing] = useState<ApiToken | null>(null);
  return (
    <Section title="API tokens">
      <Panel className={classes.panel}>
        <p className="dim small">
          Programs show a token: those written for BFL’s API, and other fluxtunes, as{" "}
          <span className="mono">x-key</span> under <a href="/v1/openapi.json">/v1</a>; scripts as{" "}
          <span className="mono">Authorization: Bearer</span> under <a href="/api/openapi.json">/api</a>. A
          token never may more than you.
        </p>
        {!hasServer && (
          <p className="small">The server under /v1 is switched off: only /api answers a token.</p>
        )}
        <NewToken />
        <Revoke token={going} onClose={() => setGoing(null)} />
        <Loaded query={tokens} skeleton={<p className="dim small">Looking for tokens…</p>}>
          {(list) => {
            const live = list.filter(({ revoked_at }) => !revoked_at);
            const gone = list.filter(({ revoked_at }) => revoked_at);
            return (
              <>
                {live.length > 0 && (
                  <ul className={classes.entries} aria-label="Tokens">
                    {live.map((token) => (
                      <Entry key={token.id} token={token} onRevoke={() => setGoing(token)} />
                    ))}
                  </ul>
                )}
                {gone.length > 0 && (
                  <Fold title={`Revoked (${gone.length})`}>
                    <ul className={classes.entries} aria-label="Revoked tokens">
                      {gone.map((token) => (
                        <Entry key={token.id} token={token} />
                      ))}
                    </ul>
                  </Fold>
                )}
              </>
            );
          }}
        </Loaded>
      </Panel>
    </Section>
  );
}
