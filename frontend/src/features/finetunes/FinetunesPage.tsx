import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Columns2, Plus, TrendingDown } from "lucide-react";

import { call } from "@/api/call";
import { listFinetunes, restoreFinetune } from "@/api/generated";
import { finetunesQuery } from "@/api/queries";
import { useMay } from "@/api/session";
import { Empty } from "@/components/Empty";
import { GridSkeleton, Loaded } from "@/components/Loaded";
import { Page } from "@/components/Page";
import { QueueList } from "@/components/queue/QueueList";
import { RunRow, RunRows } from "@/components/RunRow";
import { Trash } from "@/components/Trash";

export function FinetunesPage() {
  const client = useQueryClient();
  const navigate = useNavigate();
  const finetunes = useQuery(finetunesQuery);
  const trash = useQuery({
    queryKey: ["finetunes", "trash"],
    queryFn: () => call(listFinetunes({ query: { deleted: true } })),
  });
  const mayTrain = useMay("train");
  const add = mayTrain && (
    <Button
      variant="primary"
      leftSection={<Plus size={16} />}
      onClick={() => void navigate({ to: "/finetunes/new", search: {} })}
    >
      New finetune
    </Button>
  );
  const isEmpty = finetunes.data?.length === 0;
  return (
    <Page
      title="Finetunes"
      sub="What is being learned, and what was."
      actions={
        !isEmpty && (
          <>
            {finetunes.data && finetunes.data.length > 1 && (
              <Button
                variant="default"
                leftSection={<Columns2 size={16} />}
                onClick={() => {
                  const [b, a] = finetunes.data;
                  void navigate({ to: "/finetunes/compare", search: { a: a.id, b: b.id } });
                }}
              >
                Compare two
              </Button>
            )}
            {add}
          </>
        )
      }
    >
      <Loaded query={finetunes} skeleton={<GridSkeleton count={4} height={76} min={900} />}>
        {(list) =>
          list.length === 0 ? (
            <Empty
              title={mayTrain ? "Teach it something" : "Nothing was shared with you yet"}
              art={<TrendingDown size={36} strokeWidth={1.3} />}
              action={
                mayTrain && (
                  <>
                    {add}
                    <Button variant="default" component={Link} to="/">
                      Try a sample
                    </Button>
                  </>
                )
              }
            >
              A finetune takes a dataset and makes a model that knows what is in it. You see samples while it
              learns, and can stop when it is good enough.
            </Empty>
          ) : (
            <>
              <RunRows>
                {list.map((run) => (
                  <RunRow key={run.id} run={run} />
                ))}
              </RunRows>
              <QueueList />
            </>
          )
        }
      </Loaded>
      <Trash
        kind="finetune"
        items={trash.data ?? []}
        restore={async (id) => {
          await call(restoreFinetune({ path: { finetune_id: id } }));
          await client.invalidateQueries({ queryKey: ["finetunes"] });
        }}
      />
    </Page>
  );
}
