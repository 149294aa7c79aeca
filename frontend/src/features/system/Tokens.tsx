import { Button, Modal, TextInput } from "@mantine/core";
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "@/api/call";
import { createToken, listTokens, revokeToken, type ApiToken, type NewApiToken } from "@/api/generated";
import { fieldErrors } from "@/api/problem";
import { Command } from "@/components/CopyButton";
import { focusWhenLost } from "@/components/focus";
import { ago } from "@/components/format";
import { Loaded } from "@/components/Loaded";
import { Panel, Section } from "@/components/Page";
import { ErrorState } from "@/components/ProblemCard";
import { Fold } from "@/components/schema-form/SchemaForm";
import { toastGood, toastProblem } from "@/components/undo";

import classes from "./Access.module.css";

const tokensQuery = queryOptions({ queryKey: ["tokens"], queryFn: () => call(listTokens()) });

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
      </div>
      {onRevoke && (
        <Button size="compact-sm" variant="default" aria-label={`Revoke ${token.name}`} onClick={onRevoke}>
          Revoke…
        </Button>
      )}
    </li>
  );
}

/** The one time a token is to be seen. */
function Made({ token, onDone }: { token: NewApiToken; onDone: () => void }) {
  return (
    <div className={classes.made} role="status">
      <p className={classes.strong}>Copy “{token.name}” now; it is not shown again</p>
      <Command>{token.token}</Command>
      <p className="dim small">Try it:</p>
      <Command>{`curl -H "x-key: ${token.token}" ${window.location.origin}/v1/credits`}</Command>
      <Button size="xs" variant="default" onClick={onDone}>
        I have it
      </Button>
    </div>
  );
}

export function Tokens() {
  const client = useQueryClient();
  const tokens = useQuery(tokensQuery);
  const [name, setName] = useState("");
  const [going, setGoing] = useState<ApiToken | null>(null);
  const create = useMutation({
    mutationFn: () => call(createToken({ body: { name: name.trim() } })),
    onSuccess: () => {
      setName("");
      return client.invalidateQueries({ queryKey: tokensQuery.queryKey });
    },
  });
  return (
    <Section title="API tokens">
      <Panel className={classes.panel}>
        <p className="dim small">
          Programs written for BFL’s API, and other fluxtunes, train and draw here: they use this studio’s
          address and show a token as <span className="mono">x-key</span>. What they may ask is described in{" "}
          <a href="/v1/openapi.json">/v1/openapi.json</a>.
        </p>
        <form
          className={classes.form}
          aria-label="Make a token"
          onSubmit={(event) => {
            event.preventDefault();
            if (name.trim()) create.mutate();
          }}
        >
          <TextInput
            label="Name"
            description="The program or computer that will use it"
            placeholder="laptop"
            value={name}
            maxLength={60}
            error={fieldErrors(create.error).name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Button type="submit" variant="default" loading={create.isPending} disabled={!name.trim()}>
            Make a token
          </Button>
        </form>
        {create.error && <ErrorState error={create.error} />}
        {create.data && <Made token={create.data} onDone={() => create.reset()} />}
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
