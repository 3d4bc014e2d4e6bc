/**
 * Timers that gRPC leaves behind.
 *
 * @module
 */

/** Longer than any of them. */
const WAIT_MS = 750;

/**
 * Resolves when no timer is left of connections that failed: gRPC tries once
 * more after 500 ms, also where the client is closed, and waits 600 ms at most.
 */
export async function reconnectionTimers(): Promise<void> {
  // One after the other, as gRPC's: what holds up one of those holds up ours as well.
  for (let timers = 0; timers < 2; timers++) {
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
}
