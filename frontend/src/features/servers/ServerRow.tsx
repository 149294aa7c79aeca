import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { CircleAlert, CircleCheck, RotateCw, Trash2 } from "lucide-react";

import { call } from "@/api/call";
import { removeServer, testServer, type Model, type Server } from "@/api/generated";
import { forgetServers } from "@/api/servers";
import { ago, countOf } from "@/components/format";
import { toastGood, toastProblem } from "@/components/undo";

import classes from "./Servers.module.css";

const SHOWN = 3;

/** One server: whether it answers, what it is, and what can be done with it. */
export function ServerRow({ server, models }: { server: Server; models: Model[] }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const test = useMutation({
    mutationFn: () => call(testServer({ path: { server_id: server.id } })),
    onSuccess: (tested) => {
      if (!tested.problem) toastGood(`“${tested.name}” answers.`);
      return forgetServers(client);
    },
    onError: toastProblem,
  });
  const remove = useMutation({
    mutationFn: () => call(removeServer({ path: { server_id: server.id } })),
    onSuccess: () => forgetServers(client),
    onError: toastProblem,
  });
  const { problem } = server;
  const Icon = problem ? CircleAlert : CircleCheck;
  const bases = server.bases.map(({ title }) => title).join(", ");
  return (
    <li className={classes.row} aria-label={server.name}>
      <Icon
        size={17}
        className={`${classes.state} ${problem ? "warn" : "good"}`}
        aria-label={problem ? "Does not answer" : "Answers"}
      />
      <div className={classes.facts}>
        <p className={classes.name}>{server.name}</p>
        <p className="dim small">
          {server.url} · {server.kind === "fluxtune" ? `fluxtune ${server.version}` : "speaks BFL’s API"} ·
          asked {ago(server.checked_at)}
        </p>
        {bases && <p className="small">Bases: {bases}</p>}
        {problem && (
          <p className="small warn" role="status">
            {problem.title}. {problem.detail} {problem.action}
          </p>
        )}
        {server.notes.map((note) => (
          <p key={note} className="dim small">
            {note}
          </p>
        ))}
        <div className={classes.links}>
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => void navigate({ to: "/finetunes/new", search: { server: server.id } })}
          >
            Train there
          </Button>
          {models.slice(0, SHOWN).map((model) => (
            <Button
              key={model.id}
              size="compact-sm"
              variant="default"
              onClick={() => void navigate({ to: "/create", search: { model: model.id } })}
            >
              Create with {model.name.replace(` · ${server.name}`, "")}
            </Button>
          ))}
          {models.length > SHOWN && (
            <span className="dim small">
              and {countOf(models.length - SHOWN, "more model")} in the list of models when you create
            </span>
          )}
        </div>
      </div>
      <div className={classes.acts}>
        <Tooltip label="Test again">
          <ActionIcon
            aria-label={`Test ${server.name}`}
            loading={test.isPending}
            onClick={() => test.mutate()}
          >
            <RotateCw size={16} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Forget this server">
          <ActionIcon
            aria-label={`Forget ${server.name}`}
            loading={remove.isPending}
            onClick={() => remove.mutate()}
          >
            <Trash2 size={16} />
          </ActionIcon>
        </Tooltip>
      </div>
    </li>
  );
}
