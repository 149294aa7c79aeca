import { Button, Select } from "@mantine/core";
import { useDebouncedValue, useHotkeys } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";

import { call } from "@/api/call";
import { createFinetune } from "@/api/generated";
import { fieldErrors } from "@/api/problem";
import { basesQuery, datasetsQuery, defaultsQuery, planQuery } from "@/api/queries";
import { serversQuery } from "@/api/servers";
import { useFlag } from "@/api/useFlag";
import { Empty } from "@/components/Empty";
import { countOf } from "@/components/format";
import { Mosaic } from "@/components/Mosaic";
import { Only } from "@/components/may/May";
import { Page } from "@/components/Page";
import { ErrorState } from "@/components/ProblemCard";
import { useDraft } from "@/components/useDraft";

import { asPlan, asRequest, EMPTY_DRAFT, type Draft } from "./draft";
import { Measuring } from "./Measuring";
import { ModeChoice } from "./ModeChoice";
import classes from "./NewFinetune.module.css";
import { PlanSummary } from "./PlanSummary";
import { QualityChoice } from "./QualityChoice";
import { automatic } from "./recipeText";
import { RecipeSettings } from "./Settings";
import { TemplatesMenu } from "./TemplatesMenu";
import { usualBase, WhereChoice } from "./WhereChoice";

function Step({ number, title, children }: { number: number; title: string; children: ReactNode }) {
  return (
    <section className={classes.step} aria-label={title}>
      <h2>
        <span className={classes.number} aria-hidden>
          {number}
        </span>
        {title}
      </h2>
      {children}
    </section>
  );
}

export function NewFinetunePage() {
  return (
    <Only rule="train">
      <NewFinetune />
    </Only>
  );
}

function NewFinetune() {
  const { dataset: asked, server: askedServer } = useSearch({ from: "/finetunes/new" });
  const navigate = useNavigate();
  const client = useQueryClient();
  const hasSettings = useFlag("advanced-parameters");
  const [draft, keep, clear] = useDraft("finetune", EMPTY_DRAFT, {
    ...(asked ? { dataset_id: asked, mode: "" } : {}),
    ...(askedServer ? { server_id: askedServer, base: "" } : {}),
  });
  const datasets = useQuery(datasetsQuery());
  const bases = useQuery(basesQuery).data ?? [];
  const servers = useQuery(serversQuery);
  const [secret, setSecret] = useState("");

  const dataset = datasets.data?.find((one) => one.id === draft.dataset_id);
  const mode = draft.mode || dataset?.mode || "general";
  const defaults = useQuery(defaultsQuery).data?.[mode];
  const server = servers.data?.find((one) => one.id === draft.server_id);
  // A server that was removed meanwhile must not stay chosen.
  const isHere = servers.isSuccess && !server;
  const chosen = {
    ...draft,
    ...(hasSettings ? {} : { recipe: {} }),
    dataset_id: dataset?.id ?? "",
    mode,
    server_id: isHere ? "" : draft.server_id,
    base: draft.base || (isHere ? defaults?.base || "pocket" : usualBase(server)),
    quality: draft.quality || defaults?.quality || "balanced",
  };
  const [settled] = useDebouncedValue(chosen, 250);
  const plan = useQuery(planQuery(asPlan(settled)));
  // What the choices alone would give: the values that settings start from.
  const usualPlan = useQuery(planQuery(asPlan({ ...settled, recipe: {} })));
  const usual = usualPlan.data;
  const isUsualPending =
    datasets.isPending || (dataset !== undefined && usual === undefined && !usualPlan.isError);
  const base = bases.find((one) => one.name === chosen.base);

  const start = useMutation({
    mutationFn: () => call(createFinetune({ body: asRequest(chosen, secret) })),
    onSuccess: (finetune) => {
      clear();
      void client.invalidateQueries({ queryKey: ["finetunes"] });
      void client.invalidateQueries({ queryKey: ["jobs"] });
      return navigate({ to: "/finetunes/$finetuneId", params: { finetuneId: finetune.id } });
    },
  });
  // What was wrong with the last attempt says nothing of what has changed since.
  const update = (by: Partial<Draft>) => {
    if (start.isError) start.reset();
    keep(by);
  };
  const isUnread = hasSettings && draft.text !== null && draft.textFor === null;
  const canStart = Boolean(dataset && (server || base?.is_ready) && plan.data && !plan.isError && !isUnread);
  useHotkeys([["mod+Enter", () => canStart && start.mutate()]], []);
  const errors = { ...fieldErrors(plan.error), ...fieldErrors(start.error) };

  if (datasets.data?.length === 0) {
    return (
      <Page title="New finetune" above={<Link to="/finetunes">Finetunes</Link>}>
        <Empty
          title="First, show it what to learn"
          action={
            <Button variant="primary" component={Link} to="/datasets">
              Go to datasets
            </Button>
          }
        >
          A finetune learns from a dataset: ten or twenty images with a line each. Make one, or take a sample.
        </Empty>
      </Page>
    );
  }

  return (
    <Page
      title="New finetune"
      above={<Link to="/finetunes">Finetunes</Link>}
      sub="Three choices, then it can start."
      actions={<TemplatesMenu draft={chosen} update={update} />}
    >
      <div className={classes.layout}>
        <div className={classes.steps}>
          <section aria-label="Dataset" className={classes.dataset}>
            {dataset && (
              <div className={classes.cover}>
                <Mosaic images={dataset.covers} />
              </div>
            )}
            <Select
              label="Dataset"
              placeholder="Choose a dataset"
              data={(datasets.data ?? []).map(({ id, name, image_count }) => ({
                value: id,
                label: `${name} (${countOf(image_count, "image")})`,
              }))}
              value={dataset?.id ?? null}
              onChange={(id) => update({ dataset_id: id ?? "", mode: "" })}
              allowDeselect={false}
              searchable={(datasets.data?.length ?? 0) > 8}
              style={{ flex: 1 }}
            />
          </section>
          <Step number={1} title="What are you teaching?">
            <ModeChoice value={mode} onChange={(next) => update({ mode: next })} />
          </Step>
          <Step number={2} title="Where to train">
            <WhereChoice
              servers={servers.data ?? []}
              bases={bases}
              draft={{ ...settled, server_id: chosen.server_id, base: chosen.base }}
              onChange={update}
            />
          </Step>
          <Step number={3} title="How good">
            <QualityChoice draft={settled} onChange={(next) => update({ quality: next })} />
          </Step>
          {hasSettings && (
            <RecipeSettings
              draft={chosen}
              dataset={dataset}
              datasets={datasets.data ?? []}
              usual={automatic(usual?.recipe, plan.data?.recipe, chosen.recipe)}
              isUsualPending={isUsualPending}
              reasons={{ ...usual?.reasons, ...plan.data?.reasons }}
              errors={errors}
              secret={secret}
              onSecret={(typed) => {
                if (start.isError) start.reset();
                setSecret(typed);
              }}
              update={update}
            />
          )}
        </div>
        <aside className={classes.aside}>
          <PlanSummary
            plan={plan}
            dataset={dataset}
            name={draft.name}
            onName={(name) => update({ name })}
            onChange={(recipe) => update({ recipe: { ...draft.recipe, ...recipe } })}
            onStart={() => start.mutate()}
            isStarting={start.isPending}
            canStart={canStart}
            measuring={
              plan.data &&
              !server && (
                <Measuring
                  request={asPlan(chosen)}
                  plan={plan.data}
                  probeId={draft.probe_id}
                  canMeasure={canStart}
                  onStart={(probe_id) => update({ probe_id })}
                />
              )
            }
          />
          {start.isError && <ErrorState error={start.error} />}
        </aside>
      </div>
    </Page>
  );
}
