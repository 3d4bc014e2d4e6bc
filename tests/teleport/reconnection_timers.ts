/**
 * Timers that gRPC leaves behind.
 *
 * @module
 */

/**
 * Resolves when no timer is left of connections that failed: gRPC tries once
 * more after 500 ms, also where the client is closed, and waits 600 ms at most.
 */
export function reconnectionTimers(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1_500));
}
