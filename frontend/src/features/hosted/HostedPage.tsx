import { useQuery } from "@tanstack/react-query";

import { hostedStatusQuery } from "@/api/hosted";
import { Loaded } from "@/components/Loaded";
import { Page } from "@/components/Page";

import { BudgetForm } from "./BudgetForm";
import { Keys } from "./Keys";
import { Ledger } from "./Ledger";
import { NotDelivered } from "./NotDelivered";

/** What hosted images cost, who pays, and what is still owed. */
export function HostedPage() {
  const status = useQuery(hostedStatusQuery);
  return (
    <Page
      title="Hosted"
      sub="Images made at BFL: who pays, how much at most, and what became of every request."
    >
      <NotDelivered />
      <Keys />
      <Loaded query={status}>{(known) => <BudgetForm status={known} />}</Loaded>
      <Ledger />
    </Page>
  );
}
