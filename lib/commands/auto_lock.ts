/**
 * The configured locking of users.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { LockConfig, SourceConfig } from "../config/config.ts";
import { autoLockObserver } from "../operate/auto_lock_observer.ts";
import type { RunOptions } from "../pipeline/run.ts";
import { payloadOf } from "../event.ts";
import { readLogin } from "../struct/struct_fields.ts";
import type { TeleportClient } from "../teleport/client.ts";
import { TeleportError } from "../teleport/errors.ts";

const LOGIN = "user.login";

/** What a run needs to lock users; undefined where it is not to. */
export function lockingOptions(
  lock: LockConfig | undefined,
  client: Pick<TeleportClient, "upsertLock">,
  clock: Clock,
): RunOptions["locking"] {
  if (lock === undefined) return undefined;
  return {
    count: lock.failedAttempts,
    periodMs: lock.periodMs,
    lockMs: lock.forMs,
    loginOf: (event) =>
      event.type === LOGIN ? readLogin(payloadOf(event)) : undefined,
    locker: {
      lock: ({ user, login }, untilMs, kill) =>
        client.upsertLock({ user, login, untilMs }, kill),
    },
    isFinal: isRefusal,
    clock,
    observer: autoLockObserver(clock),
  };
}

/** Why no failed login would ever be seen; undefined where they would. */
export function unseenLogins(
  lock: LockConfig | undefined,
  { types }: Pick<SourceConfig, "types">,
): string | undefined {
  return lock === undefined || types.length === 0 || types.includes(LOGIN)
    ? undefined
    : "lock-enabled has no effect: types leaves out user.login, so no failed login is seen";
}

/** What another attempt does not change. */
function isRefusal(error: unknown): boolean {
  return error instanceof TeleportError &&
    (error.status === "PERMISSION_DENIED" ||
      error.status === "INVALID_ARGUMENT" || error.status === "UNIMPLEMENTED");
}
