import type { Model } from "@/api/generated";

import classes from "./Models.module.css";

export function BaseFacts({ model }: { model: Model }) {
  const { defaults } = model;
  return (
    <section aria-label="About this base" className={classes.panel}>
      <h2>About this base</h2>
      <dl className="facts">
        <dt>Licence</dt>
        <dd>{model.licence || "–"}</dd>
        <dt>Commercial use</dt>
        <dd>{model.commercial_use.because}</dd>
        <dt>Usual size</dt>
        <dd>
          {defaults.width} × {defaults.height}
        </dd>
        <dt>Largest size</dt>
        <dd>
          {defaults.max_width} × {defaults.max_height}
        </dd>
        <dt>Usual steps</dt>
        <dd>{defaults.steps}</dd>
        <dt>Usual guidance</dt>
        <dd>{defaults.guidance}</dd>
        <dt>Longest prompt</dt>
        <dd>{defaults.max_prompt_tokens} tokens</dd>
      </dl>
    </section>
  );
}
