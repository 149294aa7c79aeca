import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Sparkles } from "lucide-react";

import { call } from "@/api/call";
import { restoreModel } from "@/api/generated";
import { basesQuery, modelsQuery } from "@/api/queries";
import { BaseList } from "@/components/bases/BaseList";
import { Loaded } from "@/components/Loaded";
import { May } from "@/components/may/May";
import { Page, Section } from "@/components/Page";
import { Fold } from "@/components/schema-form/SchemaForm";
import { Trash } from "@/components/Trash";

import { ImportModels } from "./ImportModels";
import { ModelList } from "./ModelList";

/** What can be trained and drawn with, here or not yet. */
function Bases() {
  const query = useQuery(basesQuery);
  return (
    <div id="bases">
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
                    <May rule="create">
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
                    </May>
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
    </div>
  );
}

export function ModelsPage() {
  const client = useQueryClient();
  const trash = useQuery(modelsQuery(true));
  return (
    <Page
      title="Models"
      sub="What you can make images with."
      actions={
        <May rule="train">
          <ImportModels />
        </May>
      }
    >
      <ModelList />
      <Bases />
      <Trash
        kind="model"
        items={trash.data ?? []}
        restore={async (id) => {
          await call(restoreModel({ path: { model_id: id } }));
          await client.invalidateQueries({ queryKey: ["models"] });
        }}
      />
    </Page>
  );
}
