/**
 * The one source of time for everything that waits, so that tests can fake hours.
 *
 * @module
 */

import { isAbort } from "./errors.ts";
import { delay } from "./vendor/async.ts";

/** Time as the pipeline sees it. */
export interface Clock {
  /** Milliseconds since the epoch; may jump, either way, whenever the clock is set. */
  now(): number;
  /**
   * Milliseconds since some moment or other, which go on evenly whatever the clock
   * is set to: for how long something took or lasts.
   */
  monotonic(): number;
  /** Resolves after `ms` milliseconds; rejects with `signal.reason` once aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A timer that is to run longer, 24.8 days, fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    let restMs = ms;
    for (; restMs > MAX_TIMER_MS; restMs -= MAX_TIMER_MS) {
      await delay(MAX_TIMER_MS, { signal });
    }
    await delay(restMs, { signal });
  },
};

/**
 * Does something again and again, with so long in between and before the first time,
 * until `stop` aborts.
 */
export async function repeat(
  task: () => void,
  { everyMs, clock, stop }: {
    readonly everyMs: number;
    readonly clock: Pick<Clock, "sleep">;
    readonly stop: AbortSignal;
  },
): Promise<void> {
  try {
    while (true) {
      await clock.sleep(everyMs, stop);
      task();
    }
  } catch (error) {
    if (!isAbort(error, stop)) throw error;
  }
}
