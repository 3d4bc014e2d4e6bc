/**
 * Files that are watched, under a clock that stands still.
 *
 * @module
 */

import type { FakeClock } from "./fake_clock.ts";
import { waitUntil } from "./wait_until.ts";

/**
 * Changes files that somebody watches, who is the only one to sleep. Resolves once
 * they were read again: they had the time that they get to be finished, and no
 * interval has passed.
 */
export async function changeWatched(
  clock: FakeClock,
  change: () => Promise<void>,
): Promise<void> {
  // Who sleeps watches already, at first for an interval.
  await clock.untilSleeping();
  await change();
  // Or it is still the last change, of which more is told now: it is as good.
  await waitUntil("the change to be noticed", () => {
    const [interval = 0] = clock.sleeps;
    return clock.sleeping > 0 && (clock.sleeps.at(-1) ?? interval) < interval;
  });
  await clock.advance(clock.sleeps.at(-1) ?? 0);
  await clock.untilSleeping();
}
