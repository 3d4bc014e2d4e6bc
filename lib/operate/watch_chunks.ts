/**
 * Chunks of a bulk export, counted and traced.
 *
 * @module
 */

import type { Monitor } from "./monitor.ts";
import { callStatus } from "./outcome.ts";

/** The same call; what becomes of each stream is noted. */
export function watchChunks<
  Request,
  Part extends { readonly events: readonly unknown[] },
>(
  exportEvents: (request: Request, signal: AbortSignal) => AsyncGenerator<Part>,
  { counters, tracer }: Pick<Monitor, "counters" | "tracer">,
): (request: Request, signal: AbortSignal) => AsyncGenerator<Part> {
  return async function* (request, signal) {
    const span = tracer?.begin("chunk", {});
    let events = 0;
    let failure: unknown;
    try {
      for await (const part of exportEvents(request, signal)) {
        events += part.events.length;
        yield part;
      }
      counters.chunkReads++;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      if (failure === undefined) span?.end("ok", { events });
      else span?.end("failed", { events, status: callStatus(failure) });
    }
  };
}
