/**
 * Requests to a receiver, for who measures them.
 *
 * @module
 */

import type { Destination } from "../event.ts";

/** A request, and what came of it. */
export interface SentRequest {
  readonly events: number;
  /** Of the body, as it was sent. */
  readonly bytes: number;
  /**
   * How long a first attempt took, where the connection that it was made on broke:
   * then there was another one at once, and all else is of that.
   */
  readonly brokenMs?: number | undefined;
  /** Why it is not known to be delivered; undefined: it is. */
  readonly error?: unknown;
}

/** Who is told about requests. */
export interface RequestObserver {
  /**
   * Calls `send`, takes note of what comes of it, and settles as it does. Where it
   * rejects, there was nothing to send. It calls `onBegun` once there is a
   * connection, which is when the request begins.
   */
  watch(
    destination: Destination,
    send: (onBegun: () => void) => Promise<SentRequest>,
  ): Promise<SentRequest>;
}
