import { ActionIcon, Button, Modal, PasswordInput, Select, TextInput, Tooltip } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useState } from "react";

import { call } from "@/api/call";
import { addHostedKey, removeHostedKey, type HostedAccount, type HostedKeyCreate } from "@/api/generated";
import { forgetHosted } from "@/api/hosted";
import { fieldErrors } from "@/api/problem";
import { focusWhenLost } from "@/components/focus";
import { dollars } from "@/components/hosted/money";
import { Loaded } from "@/components/Loaded";
import { Panel, Section } from "@/components/Page";
import { ErrorState } from "@/components/ProblemCard";
import { toastGood, toastProblem } from "@/components/undo";

import classes from "./Hosted.module.css";
import { accountsQuery } from "./queries";

function Account({ account, onForget }: { account: HostedAccount; onForget: () => void }) {
  const { key, credits, error } = account;
  return (
    <li className={classes.row}>
      <div className={classes.grow}>
        <p className={classes.strong}>{key.name}</p>
        <p className="dim small">
          {key.server.replace("https://", "")}
          {key.source === "settings" && " · from the settings"}
        </p>
      </div>
      {credits != null ? (
        <span className="num">{dollars(credits)} left</span>
      ) : (
        <span className="warn">{error?.title}</span>
      )}
      {key.source === "stored" && (
        <Tooltip label="Forget this key">
          <ActionIcon aria-label={`Forget key ${key.name}`} onClick={onForget}>
            <Trash2 size={16} />
          </ActionIcon>
        </Tooltip>
      )}
    </li>
  );
}

/** A forgotten key can't be brought back, so this one asks first. */
function Forget({ name, onClose }: { name: string | null; onClose: () => void }) {
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: (gone: string) => call(removeHostedKey({ path: { name: gone } })),
    onSuccess: async (_, gone) => {
      await forgetHosted(client);
      onClose();
      toastGood(`The key “${gone}” is forgotten.`);
    },
    onError: toastProblem,
  });
  return (
    <Modal
      opened={name !== null}
      onClose={onClose}
      title="Forget this key?"
      onExitTransitionEnd={focusWhenLost}
    >
      <div className="stack">
        <p>
          It can be added again only by typing it. Images it has paid for and that are still owed can’t be
          fetched without it.
        </p>
        <Button
          variant="primary"
          loading={remove.isPending}
          onClick={() => name && remove.mutate(name)}
          style={{ alignSelf: "flex-end" }}
        >
          Forget it
        </Button>
      </div>
    </Modal>
  );
}

const EMPTY: HostedKeyCreate = { name: "", key: "", region: "global" };

function AddKey() {
  const client = useQueryClient();
  const [draft, setDraft] = useState(EMPTY);
  const add = useMutation({
    mutationFn: () => call(addHostedKey({ body: draft })),
    onSuccess: ({ key }) => {
      setDraft(EMPTY);
      toastGood(`“${key.name}” works.`);
      return forgetHosted(client);
    },
  });
  const errors = fieldErrors(add.error);
  const change = (by: Partial<HostedKeyCreate>) => setDraft({ ...draft, ...by });
  return (
    <form
      className={classes.form}
      aria-label="Add a key"
      onSubmit={(event) => {
        event.preventDefault();
        add.mutate();
      }}
    >
      <TextInput
        label="Name"
        placeholder="work"
        value={draft.name}
        error={errors.name}
        onChange={({ target }) => change({ name: target.value })}
      />
      <PasswordInput
        label="Key"
        autoComplete="off"
        value={draft.key}
        error={errors.key}
        onChange={({ target }) => change({ key: target.value })}
      />
      <Select
        label="Region"
        data={[
          { value: "global", label: "Anywhere" },
          { value: "eu", label: "European Union" },
          { value: "us", label: "United States" },
          { value: "server", label: "The server of the settings" },
        ]}
        value={draft.region ?? "global"}
        error={errors.region}
        allowDeselect={false}
        onChange={(region) => region && change({ region: region as HostedKeyCreate["region"] })}
      />
      <Button type="submit" variant="default" loading={add.isPending} disabled={!draft.name || !draft.key}>
        Test and add
      </Button>
      {add.error && (
        <div className={classes.wide}>
          <ErrorState error={add.error} />
        </div>
      )}
    </form>
  );
}

export function Keys() {
  const accounts = useQuery(accountsQuery);
  const [going, setGoing] = useState<string | null>(null);
  return (
    <Section title="Keys">
      <Panel className={classes.panel}>
        <Loaded query={accounts} skeleton={<p className="dim small">Asking for the credits…</p>}>
          {(list) =>
            list.length ? (
              <ul className={classes.rows}>
                {list.map((account) => (
                  <Account
                    key={account.key.name}
                    account={account}
                    onForget={() => setGoing(account.key.name)}
                  />
                ))}
              </ul>
            ) : (
              <p className="dim small">
                A key of your account at BFL pays for hosted images. It is kept encrypted and never shown
                again.
              </p>
            )
          }
        </Loaded>
        <Forget name={going} onClose={() => setGoing(null)} />
        <AddKey />
      </Panel>
    </Section>
  );
}
