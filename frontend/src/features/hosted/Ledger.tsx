import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";

import type { LedgerLine } from "@/api/generated";
import { ago } from "@/components/format";
import { dollars } from "@/components/hosted/money";
import { Panel, Section } from "@/components/Page";
import { ErrorState } from "@/components/ProblemCard";
import { Badge } from "@/components/StateBadge";

import classes from "./Hosted.module.css";
import { ledgerQuery } from "./queries";

const LOOK = {
  reserved: { word: "Set aside", tone: "quiet" },
  submitted: { word: "Being made", tone: "accent" },
  ready: { word: "To be fetched", tone: "warn" },
  delivered: { word: "Delivered", tone: "good" },
  failed: { word: "No image", tone: "bad" },
  unknown: { word: "Not known", tone: "warn" },
} as const;

function Row({ line }: { line: LedgerLine }) {
  const { word, tone } = LOOK[line.state];
  return (
    <tr>
      <td>
        <span className={classes.model}>{line.model_id.replace("bfl:", "")}</span>
        {line.error && <span className="dim small">{line.error.title}</span>}
      </td>
      <td>
        <Badge tone={tone}>{word}</Badge>
      </td>
      <td className={`num ${classes.cost}`}>
        {line.cost === null ? `≈ ${dollars(line.estimate)}` : dollars(line.cost)}
      </td>
      <td className={`dim ${classes.when}`}>{ago(line.created_at)}</td>
    </tr>
  );
}

/** Every paid request, newest first. */
export function Ledger() {
  const ledger = useInfiniteQuery(ledgerQuery);
  const download = (
    <Button
      component="a"
      href="/api/hosted/ledger.csv"
      download
      size="compact-sm"
      variant="default"
      leftSection={<Download size={14} />}
    >
      CSV
    </Button>
  );
  const lines = ledger.data?.pages.flatMap((page) => page.lines) ?? [];
  return (
    <Section title="Ledger" aside={lines.length > 0 && download}>
      <Panel className={classes.panel}>
        {ledger.isError && <ErrorState error={ledger.error} retry={() => void ledger.refetch()} />}
        {ledger.isSuccess && !lines.length && (
          <p className="dim small">Every paid request is written here before it leaves.</p>
        )}
        {lines.length > 0 && (
          <table className={classes.table} aria-label="Lines of the ledger">
            <thead>
              <tr>
                <th scope="col">Model</th>
                <th scope="col">State</th>
                <th scope="col" className={classes.cost}>
                  Cost
                </th>
                <th scope="col" className={classes.when}>
                  Asked for
                </th>
              </tr>
            </thead>
            <tbody>
              {lines.map((line) => (
                <Row key={line.id} line={line} />
              ))}
            </tbody>
          </table>
        )}
        {ledger.hasNextPage && (
          <Button
            variant="default"
            loading={ledger.isFetchingNextPage}
            onClick={() => void ledger.fetchNextPage()}
          >
            Show older lines
          </Button>
        )}
      </Panel>
    </Section>
  );
}
