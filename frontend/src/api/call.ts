import { asProblem, ProblemError } from "./problem";

interface Answer<T> {
  data?: T;
  error?: unknown;
  response?: Response;
}

/** Turn a generated call into a plain promise: the data, or a thrown ProblemError. */
export async function call<T>(answering: Promise<Answer<T>>): Promise<NonNullable<T>> {
  let answer: Answer<T>;
  try {
    answer = await answering;
  } catch (error) {
    throw new ProblemError(asProblem(String(error), 0));
  }
  if (answer.response?.ok) return (answer.data ?? null) as NonNullable<T>;
  throw new ProblemError(asProblem(answer.error, answer.response?.status ?? 0));
}
