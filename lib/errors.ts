/**
 * What an error means to the person reading it, and to the pipeline.
 *
 * @module
 */

/** A usage or configuration problem: exit status 2, and no retry would help. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  /** @param problems One sentence each; all are reported at once. */
  constructor(readonly problems: readonly string[], options?: ErrorOptions) {
    super(problems.join("\n"), options);
  }
}

/** What an error says, one sentence each where it has several. */
export function problemsOf(error: unknown): readonly string[] {
  return error instanceof ConfigError ? error.problems : [describe(error)];
}

/**
 * Waits for all of them, so that everything that is wrong with them is told at once.
 *
 * @throws {ConfigError} with the problems of all, or whatever else one of them throws
 */
export async function allOrProblems<T extends readonly unknown[] | []>(
  attempts: T,
): Promise<{ -readonly [Index in keyof T]: Awaited<T[Index]> }> {
  const errors = (await Promise.allSettled(attempts))
    .flatMap((it) => it.status === "rejected" ? [it.reason] : []);
  const other = errors.find((error) => !(error instanceof ConfigError));
  if (other !== undefined) throw other;
  if (errors.length > 1) throw new ConfigError(errors.flatMap(problemsOf));
  return await Promise.all(attempts);
}

/**
 * A receiver refused these events for good: never again like this. With several
 * events in the request, one of them may be the cause.
 */
export class RejectedError extends Error {
  override readonly name = "RejectedError";
  /**
   * How many of the events are too large each by itself, where the receiver says
   * so and may have kept the others; 0 where it says nothing of the kind.
   */
  readonly oversized: number;

  constructor(
    message: string,
    /** How many of the leading events were in the refused request. */
    readonly count: number,
    options: { oversized?: number } = {},
  ) {
    super(message);
    this.oversized = options.oversized ?? 0;
  }
}

/**
 * Nothing is wrong with the events, but with where they are sent or with what we
 * show there: again later, and somebody has to act.
 */
export class DestinationError extends Error {
  override readonly name = "DestinationError";
  readonly needsAction = true;
}

/** The receiver cannot now, and may say when to come back: again later. */
export class BusyError extends Error {
  override readonly name = "BusyError";

  constructor(
    message: string,
    /** Not before so many milliseconds have passed; undefined: it did not say. */
    readonly retryAfterMs: number | undefined,
  ) {
    super(message);
  }
}

/** There was no answer in time: again later. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

/** Something was retried for as long as it was allowed: exit status 75. */
export class GaveUpError extends Error {
  override readonly name = "GaveUpError";
}

/** Whether it lasts until somebody acts: such errors have `needsAction`. */
export function needsAction(error: unknown): boolean {
  return isMarked(error, "needsAction");
}

/** Whether nobody was there to be asked: such errors have `unreachable`. */
export function isUnreachable(error: unknown): boolean {
  return isMarked(error, "unreachable");
}

function isMarked(error: unknown, mark: string): boolean {
  return error instanceof Error && Reflect.get(error, mark) === true;
}

/** Whether it tells of the signal that has aborted, and so of nothing that went wrong. */
export function isAbort(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && error === signal.reason;
}

/**
 * The error in one line of words, with what caused it, and never a stack trace.
 * Causes that only repeat their effect are left out.
 */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const parts: string[] = [];
  for (
    let cause: unknown = error;
    cause instanceof Error;
    cause = cause.cause
  ) {
    const message = messageOf(cause);
    if (!parts.some((part) => part.includes(message))) parts.push(message);
  }
  return parts.join(": ");
}

/** Where a host has several addresses, that none of them answers says nothing itself. */
function messageOf(error: Error): string {
  const message = error.message.trim();
  // Deno's own words ask for a flag, which the binary does not have.
  if (/^Requires all access to "\/(dev|proc|sys)\b/.test(message)) {
    return "Deno keeps programs out of /dev, /proc and /sys";
  }
  if (message !== "") return message;
  return error instanceof AggregateError
    ? error.errors.map(describe).join(", ")
    : error.name;
}
