/**
 * Counts, measures and traces requests.
 *
 * @module
 */

import type {
  RequestObserver,
  SentRequest,
} from "../pipeline/request_observer.ts";
import type { Monitor } from "./monitor.ts";
import { requestOutcome } from "./outcome.ts";

/** Takes note of what becomes of requests; `kill` is what aborts them. */
export function watchRequests(
  monitor: Pick<Monitor, "counters" | "measurements" | "tracer">,
  kill: AbortSignal,
): RequestObserver {
  const { counters } = monitor;
  return {
    async watch({ kind }, send) {
      const startedMs = performance.now();
      counters.requestsInFlight++;
      const span = monitor.tracer?.begin("request", { kind });
      let sent: SentRequest;
      try {
        sent = await (span === undefined ? send() : span.run(send));
      } catch (thrown) {
        span?.end("failed");
        throw thrown;
      } finally {
        counters.requestsInFlight--;
      }
      const { events, bytes, error } = sent;
      const outcome = requestOutcome(error, kill);
      counters.requests[outcome]++;
      counters.requestBytes[outcome] += bytes;
      const seconds = (performance.now() - startedMs) / 1_000;
      monitor.measurements.request(outcome, seconds);
      span?.end(outcome === "delivered" ? "ok" : "failed", {
        events,
        bytes,
        outcome,
      });
      return sent;
    },
  };
}
