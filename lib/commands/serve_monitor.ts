/**
 * Serves what is known of a run, where that is asked for.
 *
 * @module
 */

import type { Address } from "../address.ts";
import { type Clock, repeat } from "../clock.ts";
import { holdAnswer } from "../operate/held_answer.ts";
import type { Monitor } from "../operate/monitor.ts";
import { inBackground } from "./background.ts";

const SAMPLE_MS = 1_000;

/**
 * Starts the server, and samples what it shows over time, until disposed of.
 *
 * @param address undefined: nothing is served
 * @throws {ConfigError} where the address cannot be had
 */
export async function serveMonitor(
  address: Address | undefined,
  monitor: Monitor,
  clock: Clock,
): Promise<AsyncDisposable | undefined> {
  if (address === undefined) return undefined;
  // Only now: most runs from cron do without.
  const [{ serve }, { Metrics }, { createPage }] = await Promise.all([
    import("../operate/server.ts"),
    import("../operate/metrics.ts"),
    import("../operate/page/page.tsx"),
  ]);
  const metrics = new Metrics(monitor);
  monitor.measurements = metrics;
  const renderPage = await createPage();
  const server = serve(address, {
    metrics: holdAnswer(() => metrics.text(), clock),
    health: () => monitor.health(),
    readiness: () => monitor.readiness(),
    status: holdAnswer(() => monitor.report(), clock),
    page: holdAnswer(() => renderPage(monitor.report()), clock),
  });
  const sampling = inBackground((stop) =>
    repeat(() => monitor.sample(), { everyMs: SAMPLE_MS, clock, stop })
  );
  return {
    async [Symbol.asyncDispose]() {
      await sampling[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
