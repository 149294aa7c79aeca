import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Archive, KeyRound } from "lucide-react";

import type { HostedModel } from "@/api/generated";
import { hostedModelsQuery } from "@/api/hosted";
import { useMay } from "@/api/session";

import classes from "./Create.module.css";

/** A model that was switched off, and the one that takes its place. */
export function Retired({ model, onUse }: { model: HostedModel; onUse: (model: HostedModel) => void }) {
  const next = useQuery(hostedModelsQuery).data?.find(({ id }) => id === model.replaced_by);
  return (
    <div className={classes.notice} role="status">
      <Archive size={17} aria-hidden />
      <div>
        <p className={classes.noticeTitle}>BFL has switched {model.title} off</p>
        <p className="dim small">
          {model.since && `Since ${model.since} it makes no images. `}
          {model.note}
          {next && `${next.title} takes its place; what you typed stays.`}
        </p>
        {next && (
          <Button size="xs" variant="default" onClick={() => onUse(next)}>
            Use {next.title}
          </Button>
        )}
      </div>
    </div>
  );
}

export function NoKey() {
  const isAdministrator = useMay("administer");
  return (
    <div className={classes.notice} role="status">
      <KeyRound size={17} aria-hidden />
      <div>
        <p className={classes.noticeTitle}>Hosted images need a key</p>
        <p className="dim small">They are made at BFL and paid with the credits of your account there.</p>
        {isAdministrator ? (
          <Button size="xs" variant="default" component={Link} to="/system/hosted">
            Add a key
          </Button>
        ) : (
          <p className="small">Ask an administrator, who can add one under Admin, Hosted.</p>
        )}
      </div>
    </div>
  );
}
