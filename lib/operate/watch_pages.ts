/**
 * Pages of the audit log, measured and traced.
 *
 * @module
 */

import type { Monitor } from "./monitor.ts";
import { callStatus } from "./outcome.ts";

/** The same call; what becomes of each is noted. */
export function watchPages<
  Request extends { readonly limit: number },
  Page extends { readonly events: readonly unknown[] },
>(
  getPage: (request: Request, signal: AbortSignal) => Promise<Page>,
  monitor: Pick<Monitor, "measurements" | "movements" | "tracer">,
): (request: Request, signal: AbortSignal) => Promise<Page> {
  return async (request, signal) => {
    const startedMs = performance.now();
    const span = monitor.tracer?.begin("page", { limit: request.limit });
    try {
      const get = () => getPage(request, signal);
      const page = await (span === undefined ? get() : span.run(get));
      const events = page.events.length;
      const seconds = (performance.now() - startedMs) / 1_000;
      monitor.measurements.page(events, seconds);
      // A batch may take several, each of which takes the server minutes.
      monitor.movements.reading.moved();
      span?.end("ok", { events });
      return page;
    } catch (error) {
      span?.end("failed", { status: callStatus(error) });
      throw error;
    }
  };
}
