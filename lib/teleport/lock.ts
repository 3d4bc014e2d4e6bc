/**
 * Locks as the Go handler makes them, so that both replace each other's.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { LockV2Schema } from "./proto/teleport_pb.ts";

/** Who is to be locked, and until when. */
export interface Lock {
  readonly user: string;
  /** "" locks the user whatever the login. */
  readonly login: string;
  /** Milliseconds since the epoch; undefined: for ever. */
  readonly untilMs: number | undefined;
}

const MESSAGE = "User is locked due to too many failed login attempts";

/**
 * A lock that no server takes, for it has no target (`LockV2.CheckAndSetDefaults`
 * in Teleport's api/types/lock.go); and would one, it has ended long ago.
 */
export const LOCK_OF_NOBODY: MessageInitShape<typeof LockV2Schema> = {
  kind: "lock",
  version: "v2",
  metadata: { name: "event-handler-check" },
  spec: { target: {}, expires: timestampFromMs(0) },
};

/** `types.LockV2`, which Teleport's auth service takes. */
export function toLockV2(
  { user, login, untilMs }: Lock,
): MessageInitShape<typeof LockV2Schema> {
  return {
    kind: "lock",
    version: "v2",
    metadata: { name: `event-handler-auto-lock-${user}-${login}` },
    spec: {
      target: { user, login },
      message: MESSAGE,
      ...untilMs !== undefined && { expires: timestampFromMs(untilMs) },
    },
  };
}
