import { Button } from "@mantine/core";
import { CircleAlert, RotateCw } from "lucide-react";
import type { ReactNode } from "react";

import { problemOf } from "@/api/problem";
import type { Problem } from "@/api/generated";

import { CopyButton } from "./CopyButton";
import classes from "./ProblemCard.module.css";

interface ProblemCardProps {
  problem: Problem;
  /** The button that does what the action says. */
  action?: ReactNode;
}

/** An error in three parts: what happened, why, what to do now; the technical detail folds out. */
export function ProblemCard({ problem, action }: ProblemCardProps) {
  const further = problem.errors.filter(({ message }) => !problem.detail.includes(message));
  return (
    <div className={classes.card} role="alert">
      <CircleAlert size={18} className={classes.icon} aria-hidden />
      <div className={classes.body}>
        <p className={classes.title}>{problem.title}</p>
        {problem.detail && <p>{problem.detail}</p>}
        {problem.action && <p className={classes.what}>{problem.action}</p>}
        {further.length > 0 && (
          <ul className={classes.fields}>
            {further.map((error) => (
              <li key={error.field}>
                <span className="mono">{error.field}</span> {error.message}
              </li>
            ))}
          </ul>
        )}
        {action && <div className={classes.action}>{action}</div>}
        {problem.technical && (
          <details className={classes.technical}>
            <summary>Technical detail</summary>
            <div className={classes.pre}>
              <pre className="mono">{problem.technical}</pre>
              <CopyButton value={problem.technical} label="Copy technical detail" />
            </div>
          </details>
        )}
      </div>
    </div>
  );
}

export function ErrorState({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <ProblemCard
      problem={problemOf(error)}
      action={
        retry && (
          <Button variant="default" size="xs" leftSection={<RotateCw size={14} />} onClick={retry}>
            Try again
          </Button>
        )
      }
    />
  );
}
