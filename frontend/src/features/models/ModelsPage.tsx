import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Boxes, Sparkles } from "lucide-react";

import { call } from "@/api/call";
import { restoreModel, type Model } from "@/api/generated";
import { basesQuery, modelsQuery } from "@/api/queries";
import { BaseList } from "@/components/bases/BaseList";
import { TriggerChip } from "@/components/CopyButton";
import { Empty } from "@/components/Empty";
import { ago } from "@/components/format";
import { Loaded } from "@/components/Loaded";
import { Page, Section } from "@/components/Page";
import { Picture } from "@/components/Picture";
import { Fold } from "@/components/schema-form/SchemaForm";
import { Badge } from "@/components/StateBadge";
import { Trash } from "@/components/Trash";

import classes from "./Models.module.css";

function Card({ model }: { model: Model }) {
  return (
    <li className="card">
      <Link
        to="/models/$modelId"
        params={{ modelId: model.id }}
        className={`cover ${classes.cover}`}
        aria-label={model.name}
      >
        {model.cover ? (
          <Picture image={model.cover} alt="" fit="square" show={300} />
        ) : (
          <Boxes size={32} strokeWidth={1.2} aria-hidden />
        )}
      </Link>
      <div className="card-body">
        <Link
          to="/models/$modelId"
          params={{ modelId: model.id }}
          className={`card-title clip ${classes.name}`}
        >
          {model.name}
        </Link>
        <span className="dim small clip">
          {model.base} · {ago(model.created_at)}
        </span>
        <div className={classes.foot}>
          {model.is_ready ? (
            <Button
              size="compact-sm"
              variant="default"
              component={Link}
              to={`/create?model=${encodeURIComponent(model.id)}`}
              leftSection={<Sparkles size={14} />}
              aria-label={`Use ${model.name}`}
            >
              Use it
            </Button>
          ) : (
            <Badge tone="warn">Not here yet</Badge>
          )}
          <TriggerChip word={model.trigger_word} />
        </div>
      </div>
    </li>
  );
}

/** What can be trained and drawn with, here or not yet. */
function Bases() {
  const query = useQuery(basesQuery);
  return (
    <Section title="Bases">
      <Loaded query={query}>
        {(bases) => (
          <>
            <BaseList
              bases={bases.filter((base) => base.is_ready)}
              all={bases}
              label="Bases"
              action={(base) => (
                <span className="row" style={{ flex: "none" }}>
                  <Button
                    size="compact-sm"
                    variant="default"
                    component={Link}
                    to={`/models/${base.name}`}
                    aria-label={`About ${base.title}`}
                  >
                    About
                  </Button>
                  <Button
                    size="compact-sm"
                    variant="default"
                    component={Link}
                    to={`/create?model=${encodeURIComponent(base.name)}`}
                    leftSection={<Sparkles size={14} />}
                    aria-label={`Use ${base.title}`}
                  >
                    Use it
                  </Button>
                </span>
              )}
            />
            {bases.some((base) => !base.is_ready) && (
              <Fold title={`${bases.filter((base) => !base.is_ready).length} more, not here yet`}>
                <BaseList
                  bases={bases.filter((base) => !base.is_ready)}
                  all={bases}
                  label="Bases that are not here yet"
                />
              </Fold>
            )}
          </>
        )}
      </Loaded>
    </Section>
  );
}

export function ModelsPage() {
  const client = useQueryClient();
  const models = useQuery(modelsQuery());
  const trash = useQuery(modelsQuery(true));
  return (
    <Page title="Models" sub="What you can make images with.">
      <Loaded query={models}>
        {(list) => {
          const own = list.filter(({ kind }) => kind === "finetuned");
          return (
            <>
              {own.length === 0 ? (
                <Empty
                  title="Your models live here"
                  art={<Boxes size={36} strokeWidth={1.3} />}
                  action={
                    <Button variant="primary" component={Link} to="/finetunes/new">
                      New finetune
                    </Button>
                  }
                >
                  A finetune that finishes becomes a model: with its trigger word, its file to download, and
                  how it was made.
                </Empty>
              ) : (
                <ul className="cards">
                  {own.map((model) => (
                    <Card key={model.id} model={model} />
                  ))}
                </ul>
              )}
              <Bases />
            </>
          );
        }}
      </Loaded>
      <Trash
        items={trash.data ?? []}
        restore={async (id) => {
          await call(restoreModel({ path: { model_id: id } }));
          await client.invalidateQueries({ queryKey: ["models"] });
        }}
      />
    </Page>
  );
}
