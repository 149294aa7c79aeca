import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Boxes, Sparkles } from "lucide-react";

import type { Model } from "@/api/generated";
import { TriggerChip } from "@/components/CopyButton";
import { ago } from "@/components/format";
import { May } from "@/components/may/May";
import { Picture } from "@/components/Picture";
import { Badge } from "@/components/StateBadge";

import { drawnWith } from "./catalogue";
import classes from "./Models.module.css";

export function ModelCard({ model }: { model: Model }) {
  const isOnlyThere = model.deployment !== null && model.versions.length === 0;
  return (
    <div className="card">
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
          {model.base}
          {model.deployment && (isOnlyThere ? ", only at BFL" : ", also at BFL")} · {ago(model.created_at)}
        </span>
        <div className={classes.foot}>
          {model.is_ready || isOnlyThere ? (
            <May rule="create">
              <Button
                size="compact-sm"
                variant="default"
                component={Link}
                to={`/create?${new URLSearchParams(Object.entries(drawnWith(model)))}`}
                leftSection={<Sparkles size={14} />}
                aria-label={`Use ${model.name}`}
              >
                Use it
              </Button>
            </May>
          ) : (
            <Badge tone="warn">Not here yet</Badge>
          )}
          <TriggerChip word={model.trigger_word} />
        </div>
      </div>
    </div>
  );
}
