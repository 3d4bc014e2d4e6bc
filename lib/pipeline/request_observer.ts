/**
 * Requests to a receiver, for who measures them.
 *
 * @module
 */

import type { Destination } from "../event.ts";

/** A request that is about to be sent. */
export interface SentRequest {
  readonly destination: Destination;
  readonly events: number;
  /** Of the body, as it is sent. */
  readonly bytes: number;
}

/** Who is told about requests. */
export interface RequestObserver {
  /** Calls `send`, takes note of what becomes of it, and settles as it does. */
  watch(request: SentRequest, send: () => Promise<void>): Promise<void>;
}
