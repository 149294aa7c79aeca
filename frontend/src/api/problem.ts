import type { Problem } from "./generated";

/** A request the server refused, or that never reached it. Always has the three parts a person needs. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.title);
    this.name = "ProblemError";
    this.problem = problem;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

/** Whatever a failed request left behind, as problem details. */
export function asProblem(body: unknown, status: number): Problem {
  if (isRecord(body) && typeof body.title === "string" && typeof body.detail === "string") {
    return {
      type: String(body.type ?? "about:blank"),
      title: body.title,
      status: typeof body.status === "number" ? body.status : status,
      detail: body.detail,
      action: typeof body.action === "string" ? body.action : "",
      errors: Array.isArray(body.errors) ? (body.errors as Problem["errors"]) : [],
      technical: typeof body.technical === "string" ? body.technical : null,
    };
  }
  const technical =
    typeof body === "string" ? body : body === undefined ? null : JSON.stringify(body, null, 2);
  if (status === 0) {
    return {
      type: "about:blank",
      title: "The studio can't be reached",
      status,
      detail: "The program that serves this page does not answer.",
      action: "Check that it is still running; this page goes on by itself when it is back.",
      errors: [],
      technical,
    };
  }
  return {
    type: "about:blank",
    title: "Something went wrong",
    status,
    detail: `The studio answered with status ${status}.`,
    action: "Try again; if it happens again, look at the studio's log.",
    errors: [],
    technical,
  };
}

/** Any thrown thing as problem details, to be shown. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  return asProblem(error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error), -1);
}

/** Field messages by name: `recipe.steps` and `steps` are the same field, `recipe.sample_prompts.3` is the list. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof ProblemError)) return {};
  const nameOf = (field: string) =>
    field
      .split(".")
      .filter((part) => !/^\d+$/.test(part))
      .at(-1) ?? field;
  return Object.fromEntries(error.problem.errors.map(({ field, message }) => [nameOf(field), message]));
}
