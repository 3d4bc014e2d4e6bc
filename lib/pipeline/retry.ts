/**
 * Again later: exponential back-off with full jitter.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { counted } from "../counted.ts";
import { BusyError, describe, GaveUpError } from "../errors.ts";

/** How long to wait between attempts, and how long in all. */
export interface RetryPolicy {
  /** Upper bound of the first wait; it doubles with each attempt. */
  readonly initialMs: number;
  /** Upper bound of every wait. */
  readonly maxMs: number;
  /** How long one thing is retried before the run gives up; undefined: for ever. */
  readonly timeoutMs: number | undefined;
}

/** What is known when an attempt failed and another one will follow. */
export interface FailedAttempt {
  readonly error: unknown;
  /** 1 after the first attempt. */
  readonly attempt: number;
  /** Until the next attempt. */
  readonly waitMs: number;
}

/** What `retry` needs besides what to do. */
export interface RetryOptions {
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  /** Ends the waiting, with its reason. What `attempt` does, it must abort itself. */
  readonly signal: AbortSignal;
  /** Whether an error is final: thrown on at once. */
  readonly isFinal: (error: unknown) => boolean;
  readonly onFailure: (failed: FailedAttempt) => void;
  /** Between 0 and 1; `Math.random` unless a test says otherwise. */
  readonly random?: () => number;
}

/**
 * Calls `attempt` until it resolves.
 *
 * The wait is chosen evenly between 0 and the bound ("full jitter"), so that many
 * clients of one receiver do not return together; never less than what a busy
 * receiver asked for.
 *
 * @throws {GaveUpError} when `policy.timeoutMs` would pass before the next attempt
 * @throws `signal.reason` once aborted, and whatever `isFinal` holds for
 */
export async function retry<T>(
  attempt: () => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const { policy, clock, signal, isFinal, onFailure } = options;
  const random = options.random ?? Math.random;
  const startedMs = clock.monotonic();
  for (let attempts = 1;; attempts++) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (isFinal(error)) throw error;
      const waitMs = Math.max(
        random() * backoffMs(policy, attempts),
        error instanceof BusyError ? error.retryAfterMs ?? 0 : 0,
      );
      const elapsedMs = clock.monotonic() - startedMs;
      if (
        policy.timeoutMs !== undefined && elapsedMs + waitMs > policy.timeoutMs
      ) {
        throw new GaveUpError(
          `gave up after ${counted(attempts, "attempt")} in ${
            Math.round(elapsedMs / 1000)
          } s: ${describe(error)}`,
          { cause: error },
        );
      }
      onFailure({ error, attempt: attempts, waitMs });
      await clock.sleep(waitMs, signal);
    }
  }
}

/** Upper bound of the wait after so many attempts. */
export function backoffMs(
  policy: Pick<RetryPolicy, "initialMs" | "maxMs">,
  attempts: number,
): number {
  // 2 ** 40 * 1 ms is past every sensible bound and still a safe integer.
  const doublings = Math.min(attempts - 1, 40);
  return Math.min(policy.maxMs, policy.initialMs * 2 ** doublings);
}
