/**
 * Recordings, traced.
 *
 * @module
 */

import type { RecordingSource } from "../pipeline/ports.ts";
import type { Monitor } from "./monitor.ts";
import { callStatus } from "./outcome.ts";

/** The same source; a span is as long as the reading of a recording takes. */
export function watchRecordings(
  source: RecordingSource,
  monitor: Pick<Monitor, "tracer">,
): RecordingSource {
  const { tracer } = monitor;
  if (tracer === undefined) return source;
  return {
    async *stream(sessionId, startIndex, signal) {
      const span = tracer.begin("recording", {
        session: sessionId,
        from: startIndex,
      });
      let events = 0;
      let failure: unknown;
      try {
        for await (
          const batch of source.stream(sessionId, startIndex, signal)
        ) {
          events += batch.events.length;
          yield batch;
        }
      } catch (error) {
        failure = error;
        throw error;
      } finally {
        if (failure === undefined) span.end("ok", { events });
        else span.end("failed", { events, status: callStatus(failure) });
      }
    },
  };
}
