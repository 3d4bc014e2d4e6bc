/**
 * Counts and measures requests.
 *
 * @module
 */

import type { RequestObserver } from "../pipeline/request_observer.ts";
import type { Monitor } from "./monitor.ts";
import { requestOutcome } from "./outcome.ts";

/** Counts what becomes of requests; `kill` is what aborts them. */
export function countRequests(
  monitor: Pick<Monitor, "counters" | "measurements">,
  kill: AbortSignal,
): RequestObserver {
  const { counters } = monitor;
  return {
    begins({ bytes }) {
      const startedMs = performance.now();
      counters.requestsInFlight++;
      return (error) => {
        const outcome = requestOutcome(error, kill);
        counters.requestsInFlight--;
        counters.requests[outcome]++;
        counters.requestBytes[outcome] += bytes;
        const seconds = (performance.now() - startedMs) / 1_000;
        monitor.measurements.request(outcome, seconds);
      };
    },
  };
}
