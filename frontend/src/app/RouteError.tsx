import { Button } from "@mantine/core";
import { Link, type ErrorComponentProps } from "@tanstack/react-router";

import { Empty } from "@/components/Empty";
import { Page } from "@/components/Page";
import { ErrorState } from "@/components/ProblemCard";

export function RouteError({ error, reset }: ErrorComponentProps) {
  return (
    <Page title="This page could not be shown" width="narrow">
      <ErrorState error={error} retry={reset} />
    </Page>
  );
}

export function Missing() {
  return (
    <Page title="Nothing here" width="narrow">
      <Empty
        title="There is no page at this address"
        action={
          <Button variant="default" component={Link} to="/">
            Go home
          </Button>
        }
      >
        It may have been moved, or the address has a slip in it.
      </Empty>
    </Page>
  );
}
