import { commands, type Problem } from "./bindings";

/** Thrown where a command could not be done; the page shows its problem. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.summary);
    this.name = "ProblemError";
  }
}

type Result<T> = { status: "ok"; data: T } | { status: "error"; error: Problem };
type Unwrapped<F> = F extends (...values: infer A) => Promise<Result<infer T>>
  ? (...values: A) => Promise<T>
  : F;

function unwrap<A extends unknown[], T>(command: (...values: A) => Promise<Result<T>>) {
  return async (...values: A): Promise<T> => {
    const result = await command(...values);
    if (result.status === "error") throw new ProblemError(result.error);
    return result.data;
  };
}

type Agent = { [K in keyof typeof commands]: Unwrapped<(typeof commands)[K]> };

/** The generated commands, giving their value or throwing a {@link ProblemError}. */
export const agent = Object.fromEntries(
  Object.entries(commands).map(([name, command]) => [
    name,
    name === "retryStart" ? command : unwrap(command as (...values: unknown[]) => Promise<Result<unknown>>),
  ]),
) as Agent;

/** What to show for anything that was thrown. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  return { code: "unexpected", summary: String(error), remedy: "", about: "" };
}
