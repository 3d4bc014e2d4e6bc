/**
 * Recordings, traced.
 *
 * @module
 */

import type { RecordingSource } from "../pipeline/ports.ts";
import type { Monitor } from "./monitor.ts";
import { watchStream } from "./watch_stream.ts";

/** The same source; a span is as long as the reading of a recording takes. */
export function watchRecordings(
  source: RecordingSource,
  monitor: Pick<Monitor, "tracer">,
): RecordingSource {
  const { tracer } = monitor;
  if (tracer === undefined) return source;
  return {
    stream: (sessionId, startIndex, signal) =>
      watchStream(
        source.stream(sessionId, startIndex, signal),
        () =>
          tracer.begin("recording", { session: sessionId, from: startIndex }),
      ),
  };
}
