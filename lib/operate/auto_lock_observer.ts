/**
 * Logs who was locked, and who could not be.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { describe } from "../errors.ts";
import { logger } from "../log.ts";
import type { AutoLockObserver } from "../pipeline/auto_lock.ts";
import { Trouble } from "./trouble.ts";

/** Makes the listener of one run. */
export function autoLockObserver(clock: Clock): AutoLockObserver {
  const log = logger("lock");
  const trouble = new Trouble("locking users", { log, clock });
  /** The cause that was told last: every breach would have the same. */
  let told: string | undefined;
  return {
    locked({ user, login }, untilMs) {
      told = undefined;
      trouble.worked();
      log.warn("user locked: too many failed logins", {
        user,
        login: login || undefined,
        until: untilMs === undefined
          ? undefined
          : new Date(untilMs).toISOString(),
      });
    },
    failed(failed) {
      trouble.failed(describe(failed.error), {
        attempt: failed.attempt,
        wait_seconds: Math.ceil(failed.waitMs / 1_000),
      });
    },
    gaveUp({ user, login }, error) {
      const reason = describe(error);
      if (reason === told) return;
      told = reason;
      log.warn(
        "user not locked in spite of failed logins; more for this cause are not mentioned",
        { user, login: login || undefined, error: reason },
      );
    },
  };
}
