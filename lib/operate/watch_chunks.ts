/**
 * Chunks of a bulk export, counted and traced.
 *
 * @module
 */

import type { Monitor } from "./monitor.ts";
import { watchStream } from "./watch_stream.ts";

/** The same call; what becomes of each stream is noted. */
export function watchChunks<
  Request,
  Part extends { readonly events: readonly unknown[] },
>(
  exportEvents: (request: Request, signal: AbortSignal) => AsyncGenerator<Part>,
  { counters, tracer }: Pick<Monitor, "counters" | "tracer">,
): (request: Request, signal: AbortSignal) => AsyncGenerator<Part> {
  return (request, signal) =>
    watchStream(
      exportEvents(request, signal),
      () => tracer?.begin("chunk", {}),
      () => counters.chunkReads++,
    );
}
