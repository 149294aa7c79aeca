import { Button } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleAlert } from "lucide-react";

import type { GenerationEstimate } from "@/api/generated";
import { problemOf } from "@/api/problem";
import { countOf } from "@/components/format";
import { dollars } from "@/components/hosted/money";
import { May } from "@/components/may/May";
import { ProblemCard } from "@/components/ProblemCard";

import classes from "./Create.module.css";

const SURE = { high: "estimate", medium: "rough estimate", low: "a guess" } as const;
/** Nobody has done anything wrong who has not drawn the mask yet. */
export const lacksMask = (error: unknown) =>
  error !== null && problemOf(error).type.endsWith("/mask-missing");
const trimmed = (credits: number) => Number(credits.toFixed(3));

/** What a click on Generate would cost, or what stands in its way. */
export function Price({ estimate, count }: { estimate: UseQueryResult<GenerationEstimate>; count: number }) {
  if (lacksMask(estimate.error))
    return (
      <p className="dim small">Still needs a mask: draw one over the image, or give one with clear parts.</p>
    );
  if (estimate.isError) {
    const problem = problemOf(estimate.error);
    const isOnMoney = problem.status === 409 || problem.status === 503;
    return (
      <ProblemCard
        problem={problem}
        action={
          isOnMoney ? (
            <May rule="administer">
              <Button variant="default" size="xs" component={Link} to="/system/hosted">
                Keys and budget
              </Button>
            </May>
          ) : (
            <Button variant="default" size="xs" onClick={() => void estimate.refetch()}>
              Try again
            </Button>
          )
        }
      />
    );
  }
  const { data } = estimate;
  return (
    <div className={classes.price} data-old={estimate.isPlaceholderData || undefined} role="status">
      {data ? (
        <>
          <p>
            <strong className="num">About {dollars(data.credits)}</strong>
            <span className="dim">
              {" "}
              – {SURE[data.confidence]}
              {count > 1 && `, ${count} × ${dollars(data.credits_each)}`}
            </span>
          </p>
          <p className="dim small">
            {countOf(trimmed(data.credits), "credit")}, from {data.source.replace(/\.$/, "")}
          </p>
          {data.warnings.map((warning) => (
            <p key={warning} className={classes.warning}>
              <CircleAlert size={14} aria-hidden /> {warning}
            </p>
          ))}
        </>
      ) : (
        <p className="dim">Working out the price…</p>
      )}
    </div>
  );
}
