/**
 * What a run has done, as fields of a log line.
 *
 * @module
 */

import { type Clock, repeat } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { Counters } from "./counters.ts";

const INTERVAL_MS = 60_000;

/** The counters as a log line shows them; what is zero and rare is left out. */
export function summaryFields(counters: Counters): Record<string, unknown> {
  const { audit, recording, newestMs } = counters;
  return {
    events: audit.delivered,
    recording_events: recording.delivered,
    recordings: counters.recordingsFinished,
    filtered: nonZero(audit.filtered + recording.filtered),
    set_aside: nonZero(counters.setAside),
    last_event: newestMs === 0 ? undefined : new Date(newestMs).toISOString(),
  };
}

/** Logs a summary every minute, until `stop` aborts. */
export async function logSummaries(
  counters: Counters,
  { log, clock, stop }: { log: Logger; clock: Clock; stop: AbortSignal },
): Promise<void> {
  await repeat(() => log.info("forwarding", summaryFields(counters)), {
    everyMs: INTERVAL_MS,
    clock,
    stop,
  });
}

function nonZero(count: number): number | undefined {
  return count === 0 ? undefined : count;
}
