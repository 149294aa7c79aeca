import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";

import { datasetsQuery, finetunesQuery, foundModelsQuery, systemQuery } from "@/api/queries";
import { GridSkeleton } from "@/components/Loaded";
import { Page } from "@/components/Page";
import { ErrorState } from "@/components/ProblemCard";

import { FirstVisit } from "./FirstVisit";
import classes from "./Home.module.css";
import { Overview, OverviewActions } from "./Overview";
import { Readiness } from "./Readiness";

const SHOWN = 6;

export function HomePage() {
  // The worker may still be starting; this page says so until it is ready.
  const system = useQuery({
    ...systemQuery,
    refetchInterval: (query) => (query.state.data?.worker.state === "ready" ? false : 2000),
  });
  const finetunes = useQuery(finetunesQuery);
  const models = useQuery(foundModelsQuery("", SHOWN));
  const datasets = useQuery(datasetsQuery());
  useEffect(() => {
    document.title = "Home · fluxtune";
  }, []);

  const failed = [finetunes, models, datasets].find((query) => query.isError);
  const readiness = system.data && <Readiness system={system.data} />;
  if (failed) {
    return (
      <Page title="Home">
        <ErrorState error={failed.error} retry={() => void failed.refetch()} />
      </Page>
    );
  }
  if (!finetunes.data || !models.data || !datasets.data) {
    return (
      <Page title="Home">
        <GridSkeleton count={3} height={180} min={280} />
      </Page>
    );
  }
  const isFirst = finetunes.data.length === 0 && models.data.whole === 0;
  if (isFirst) {
    return (
      <div className={classes.page}>
        <FirstVisit isReady={system.data?.engine.is_ready ?? false} />
        {readiness}
      </div>
    );
  }
  return (
    <Page title="Home" actions={<OverviewActions />} sub={readiness}>
      <Overview finetunes={finetunes.data} models={models.data.items} />
    </Page>
  );
}
