import { Button, Modal, NumberInput, Slider, Textarea } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "@/api/call";
import { estimateParity, startParity, type Model, type ParityCreate } from "@/api/generated";
import { forgetHosted } from "@/api/hosted";
import { problemOf } from "@/api/problem";
import { countOf } from "@/components/format";
import { dollars } from "@/components/hosted/money";
import { ProblemCard } from "@/components/ProblemCard";

import { paritiesQuery } from "./deployments";

interface ParityDialogProps {
  model: Model;
  isOpen: boolean;
  onClose: () => void;
}

/** The same prompts and seeds here and at BFL: what to draw, and what that costs. */
export function ParityDialog({ model, isOpen, onClose }: ParityDialogProps) {
  const client = useQueryClient();
  const [text, setText] = useState(model.prompts.slice(0, 2).join("\n"));
  const [count, setCount] = useState(1);
  const [seed, setSeed] = useState(1);
  const [strength, setStrength] = useState(1);
  const prompts = text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(0, 4);
  const [body] = useDebouncedValue<ParityCreate>({ prompts, count, seed, strength }, 200);
  const path = { model_id: model.id };
  const price = useQuery({
    queryKey: ["model", model.id, "parity price", body],
    queryFn: () => call(estimateParity({ path, body })),
    placeholderData: keepPreviousData,
    enabled: isOpen,
    retry: false,
  });
  const start = useMutation({
    mutationFn: () => call(startParity({ path, body: { prompts, count, seed, strength } })),
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: paritiesQuery(model.id).queryKey });
      void client.invalidateQueries({ queryKey: ["jobs"] });
      void forgetHosted(client);
    },
  });
  const error = start.error ?? price.error;
  return (
    <Modal opened={isOpen} onClose={onClose} title="Compare with BFL" size="lg">
      <div className="stack" style={{ gap: 16 }}>
        <p className="dim">
          The same prompts and seeds are drawn here and at BFL, and shown side by side. Only the images at BFL
          cost money.
        </p>
        <Textarea
          label="Prompts"
          description="One a line, four at most."
          autosize
          minRows={2}
          maxRows={6}
          value={text}
          data-autofocus
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <div className="row" style={{ alignItems: "flex-end", flexWrap: "wrap" }}>
          <NumberInput
            label="Images of each"
            min={1}
            max={4}
            w={130}
            value={count}
            onChange={(value) => setCount(Math.min(4, Math.max(1, Number(value) || 1)))}
          />
          <NumberInput
            label="Seed"
            min={0}
            max={2 ** 32 - 5}
            w={150}
            value={seed}
            onChange={(value) => setSeed(Math.max(0, Math.trunc(Number(value) || 0)))}
          />
          <div style={{ flex: "1 1 180px" }}>
            <span className="small" style={{ fontWeight: 500 }}>
              Strength {strength.toFixed(2)}
            </span>
            <Slider
              mt={8}
              min={0}
              max={2}
              step={0.05}
              thumbLabel="Strength"
              value={strength}
              onChange={setStrength}
            />
          </div>
        </div>
        {error && <ProblemCard problem={problemOf(error)} />}
        {price.data?.warnings.map((warning) => (
          <p key={warning} className="small">
            {warning}
          </p>
        ))}
        <div className="row" style={{ justifyContent: "flex-end", flexWrap: "wrap" }}>
          {price.data && !price.error && (
            <span className="dim small num" role="status">
              {countOf(price.data.images, "image")} at BFL: about {dollars(price.data.credits)}
            </span>
          )}
          <Button
            variant="primary"
            loading={start.isPending}
            disabled={!price.data || price.isError}
            onClick={() => start.mutate()}
          >
            Draw both
          </Button>
        </div>
      </div>
    </Modal>
  );
}
