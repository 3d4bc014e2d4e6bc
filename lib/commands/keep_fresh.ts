/**
 * Renewed credentials, as far as they are asked for.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { isAbort } from "../errors.ts";
import type { WatchedFiles } from "../watched_files.ts";

/** How often credentials that have expired are looked for, where not told otherwise. */
export const REFRESH_MS = 60_000;

/** When files are read again. */
export interface KeepFreshOptions {
  /** Undefined: only once what is in use has ended. */
  readonly refreshIntervalMs: number | undefined;
  /** End of what is in use, milliseconds since the epoch; Infinity: never. */
  readonly endMs: number;
  readonly clock: Clock;
  readonly stop: AbortSignal;
}

/**
 * Looks after files until `stop` aborts; where nobody asked for it, from when on
 * nothing else would help.
 */
export async function keepFresh(
  files: Pick<WatchedFiles<unknown>, "keepFresh">,
  { refreshIntervalMs, endMs, clock, stop }: KeepFreshOptions,
): Promise<void> {
  if (refreshIntervalMs === undefined) {
    if (endMs === Infinity) return;
    try {
      // In steps: the clock may be set, and no timer runs while the machine sleeps.
      while (clock.now() < endMs) {
        const leftMs = endMs - clock.now();
        await clock.sleep(Math.min(leftMs, REFRESH_MS), stop);
      }
    } catch (error) {
      if (isAbort(error, stop)) return;
      throw error;
    }
  }
  await files.keepFresh(stop);
}
