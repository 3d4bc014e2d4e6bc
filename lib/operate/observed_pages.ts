/**
 * Pages of the audit log, measured.
 *
 * @module
 */

import type { Monitor } from "./monitor.ts";

/** The same call; each page that comes is measured. */
export function observedPages<
  Request,
  Page extends { readonly events: readonly unknown[] },
>(
  getPage: (request: Request, signal: AbortSignal) => Promise<Page>,
  monitor: Pick<Monitor, "measurements">,
): (request: Request, signal: AbortSignal) => Promise<Page> {
  return async (request, signal) => {
    const startedMs = performance.now();
    const page = await getPage(request, signal);
    monitor.measurements.page(
      page.events.length,
      (performance.now() - startedMs) / 1_000,
    );
    return page;
  };
}
