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
  /**
   * A request begins.
   *
   * @returns To be called when it is over, with what went wrong, if anything did
   */
  begins(request: SentRequest): (error?: unknown) => void;
}
