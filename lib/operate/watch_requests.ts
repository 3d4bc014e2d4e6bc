/**
 * Counts, measures and traces requests.
 *
 * @module
 */

import type { RequestObserver } from "../pipeline/request_observer.ts";
import type { Monitor } from "./monitor.ts";
import { requestOutcome } from "./outcome.ts";

/** Takes note of what becomes of requests; `kill` is what aborts them. */
export function watchRequests(
  monitor: Pick<Monitor, "counters" | "measurements" | "tracer">,
  kill: AbortSignal,
): RequestObserver {
  const { counters } = monitor;
  return {
    async watch({ destination, events, bytes }, send) {
      const startedMs = performance.now();
      counters.requestsInFlight++;
      const span = monitor.tracer?.begin("request", {
        kind: destination.kind,
        events,
        bytes,
      });
      let error: unknown;
      try {
        await (span === undefined ? send() : span.run(send));
      } catch (thrown) {
        error = thrown;
        throw thrown;
      } finally {
        const outcome = requestOutcome(error, kill);
        counters.requestsInFlight--;
        counters.requests[outcome]++;
        counters.requestBytes[outcome] += bytes;
        const seconds = (performance.now() - startedMs) / 1_000;
        monitor.measurements.request(outcome, seconds);
        span?.end(outcome === "delivered" ? "ok" : "failed", { outcome });
      }
    },
  };
}
