import { Button } from "@mantine/core";
import { Download } from "lucide-react";

import type { Model, ModelVersion } from "@/api/generated";
import { ago, bytes } from "@/components/format";
import { May } from "@/components/may/May";
import { Badge } from "@/components/StateBadge";

import classes from "./Models.module.css";

/** Whether the label says the step already; unnamed versions are called by it. */
const isNamedByStep = ({ label, step }: ModelVersion) => !label || label.toLowerCase() === `step ${step}`;

export function Versions({ model, onDefault }: { model: Model; onDefault: (id: string) => void }) {
  return (
    <section aria-label="Versions" className={classes.panel}>
      <h2>Versions</h2>
      <ul className={classes.versions}>
        {model.versions.map((version) => (
          <li key={version.id}>
            <span>
              <strong>{version.label || `Step ${version.step}`}</strong>{" "}
              {version.id === model.default_version_id && <Badge tone="accent">Used by default</Badge>}
              <span className="dim small" style={{ display: "block" }}>
                {version.step > 0 && !isNamedByStep(version) && `step ${version.step} · `}
                {bytes(version.byte_count)} · {ago(version.created_at)}
              </span>
            </span>
            <span className="row">
              {version.id !== model.default_version_id && (
                <May>
                  <Button
                    size="xs"
                    variant="subtle"
                    aria-label={`Use version ${version.label || version.step} by default`}
                    onClick={() => onDefault(version.id)}
                  >
                    Use by default
                  </Button>
                </May>
              )}
              <May rule="create">
                <Button
                  component="a"
                  href={version.file_url}
                  download
                  size="xs"
                  variant="default"
                  leftSection={<Download size={14} />}
                  aria-label={`Download version ${version.label || version.step}`}
                >
                  Download
                </Button>
              </May>
            </span>
          </li>
        ))}
      </ul>
      <p className="dim small">A .safetensors adapter; other tools for the same base can load it.</p>
    </section>
  );
}
