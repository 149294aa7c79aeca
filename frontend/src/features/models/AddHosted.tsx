import { Autocomplete, Button, Modal, Select, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { call } from "@/api/call";
import { addHostedModel } from "@/api/generated";
import { hostedModelsQuery } from "@/api/hosted";
import { problemOf } from "@/api/problem";
import { dollars } from "@/components/hosted/money";
import { ProblemCard } from "@/components/ProblemCard";
import { toastGood } from "@/components/undo";

import { atBflQuery } from "./deployments";

const UNLISTED = "BFL does not list this finetune";

/** A finetune that lives at BFL only: chosen from what the account has, or entered by hand. */
export function AddHosted({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const account = useQuery({ ...atBflQuery, enabled: isOpen });
  const endpoints = (useQuery({ ...hostedModelsQuery, enabled: isOpen }).data ?? []).filter(
    (each) => each.takes_finetune && each.stage !== "retired",
  );
  const [finetuneId, setFinetuneId] = useState("");
  const [endpoint, setEndpoint] = useState<string | null>(null);
  const [name, setName] = useState("");
  const [trigger, setTrigger] = useState("");
  const chosen = endpoint ?? endpoints[0]?.id ?? "";
  const add = useMutation({
    mutationFn: (anyway: boolean) =>
      call(
        addHostedModel({
          body: { finetune_id: finetuneId.trim(), endpoint: chosen, name, trigger_word: trigger, anyway },
        }),
      ),
    onSuccess: async (model) => {
      onClose();
      toastGood(`“${model.name}” was added; it is drawn at BFL.`);
      await client.invalidateQueries({ queryKey: ["models"] });
      await navigate({ to: "/models/$modelId", params: { modelId: model.id } });
    },
  });
  const problem = add.error ? problemOf(add.error) : null;
  const known = account.data?.known ?? {};
  const names = (account.data?.names ?? []).filter((each) => !(each in known));
  return (
    <Modal opened={isOpen} onClose={onClose} title="Add a finetune from BFL" size="lg">
      <form
        className="stack"
        style={{ gap: 16 }}
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate(false);
        }}
      >
        <p className="dim">
          Its weights stay at BFL, so it is drawn there and paid for with your key. Asking BFL about it is
          free.
        </p>
        <Autocomplete
          label="Name at BFL"
          description={
            account.isError
              ? problemOf(account.error).title
              : names.length
                ? "Choose one of the account's, or type one that was shared: organisation/name."
                : (account.data?.told ?? "Asking BFL which there are…")
          }
          data={names}
          value={finetuneId}
          maxLength={200}
          spellCheck={false}
          required
          onChange={setFinetuneId}
        />
        <Select
          label="Drawn with"
          description="The endpoint of the base it was trained for."
          data={endpoints.map(({ id, title, price }) => ({
            value: id,
            label: price === null ? title : `${title} · from ${dollars(price)}`,
          }))}
          value={chosen}
          allowDeselect={false}
          onChange={setEndpoint}
        />
        <TextInput
          label="Name here"
          description="Empty: what BFL says, else its name there."
          maxLength={110}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          label="Trigger word"
          description="Empty: what BFL says."
          maxLength={60}
          spellCheck={false}
          value={trigger}
          onChange={(event) => setTrigger(event.currentTarget.value)}
        />
        {problem && (
          <ProblemCard
            problem={problem}
            action={
              problem.title === UNLISTED && (
                <Button size="xs" variant="default" loading={add.isPending} onClick={() => add.mutate(true)}>
                  Add it anyway
                </Button>
              )
            }
          />
        )}
        <Button
          type="submit"
          variant="primary"
          style={{ alignSelf: "flex-end" }}
          loading={add.isPending}
          disabled={!finetuneId.trim() || !chosen}
        >
          Add
        </Button>
      </form>
    </Modal>
  );
}
