/**
 * Counts, measures and traces requests.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type {
  RequestObserver,
  SentRequest,
} from "../pipeline/request_observer.ts";
import type { Monitor } from "./monitor.ts";
import { requestOutcome } from "./outcome.ts";
import type { RequestOutcome } from "./status_report.ts";

/** Takes note of what becomes of requests; `kill` is what aborts them. */
export function watchRequests(
  monitor: Pick<Monitor, "counters" | "measurements" | "tracer">,
  { kill, clock }: {
    readonly kill: AbortSignal;
    readonly clock: Pick<Clock, "monotonic">;
  },
): RequestObserver {
  const { counters } = monitor;
  return {
    async watch({ kind }, send) {
      let begunMs = clock.monotonic();
      let inFlight = 0;
      const onBegun = () => {
        begunMs = clock.monotonic();
        inFlight = 1;
        counters.requestsInFlight += inFlight;
      };
      const request = () => send(onBegun);
      const span = monitor.tracer?.begin("request", { kind });
      let sent: SentRequest;
      try {
        sent = await (span === undefined ? request() : span.run(request));
      } catch (thrown) {
        span?.end("failed");
        throw thrown;
      } finally {
        counters.requestsInFlight -= inFlight;
      }
      const { events, bytes, brokenMs, error } = sent;
      // It may have begun earlier, on another thread, than was known on this one.
      const tookMs = Math.max(clock.monotonic() - begunMs, brokenMs ?? 0);
      const count = (outcome: RequestOutcome, ms: number) => {
        counters.requests[outcome]++;
        counters.requestBytes[outcome] += bytes;
        monitor.measurements.request(outcome, ms / 1_000);
      };
      if (brokenMs !== undefined) {
        count("connection", brokenMs);
        counters.retries.fluentd.count("connection");
      }
      const outcome = requestOutcome(error, kill);
      count(outcome, tookMs - (brokenMs ?? 0));
      span?.end(outcome === "delivered" ? "ok" : "failed", {
        events,
        bytes,
        outcome,
      });
      return sent;
    },
  };
}
