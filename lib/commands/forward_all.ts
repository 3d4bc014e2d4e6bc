/**
 * From the configuration to the parts of a run.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { logger } from "../log.ts";
import type { Monitor } from "../operate/monitor.ts";
import { watchMovements } from "../operate/movement.ts";
import type { Observers } from "../operate/observers.ts";
import { logSummaries } from "../operate/summary.ts";
import { watchRecordings } from "../operate/watch_recordings.ts";
import type { Accounts } from "../pipeline/accounts.ts";
import { typeFilter } from "../pipeline/filter.ts";
import type { Signals } from "../pipeline/forward.ts";
import { run } from "../pipeline/run.ts";
import type { TeleportClient } from "../teleport/client.ts";
import { lockingOptions } from "./auto_lock.ts";
import { inBackground } from "./background.ts";
import { createSource } from "./create_source.ts";
import type { Begun, Target } from "./target.ts";

/**
 * Before it says a word, Teleport fetches all of a recording from where it is stored,
 * and passes over what comes before the index that it was asked for.
 */
const FETCHING_MS = 10 * 60_000;

/** What is connected. */
export interface Connected extends Begun {
  readonly config: Config;
  readonly client: TeleportClient;
  readonly target: Target;
  readonly hasExport: boolean;
}

/** What a run lives in. */
export interface Surroundings {
  readonly clock: Clock;
  readonly monitor: Monitor;
  readonly accounts: Accounts;
  readonly observers: Observers;
  readonly signals: Signals;
}

/** Runs until the source ends or a signal ends it, and logs now and then how far it is. */
export async function forwardAll(
  connected: Connected,
  { clock, monitor, accounts, observers, signals }: Surroundings,
): Promise<void> {
  const { config, client, target, progress, saver } = connected;
  const { maxEvents, maxBytes } = target;
  const { types, skipEventTypes, skipSessionTypes } = config.source;
  const log = logger("start");
  await using _watching = inBackground((stop) =>
    Promise.all([
      logSummaries(monitor.counters, { log, clock, stop }),
      watchMovements(monitor.movements, { log, clock, stop }),
    ])
  );
  await run({
    progress,
    saver,
    accounts,
    delivery: { ...target, clock, observer: observers.delivery },
    events: {
      source: createSource({
        ...connected,
        policy: target.policy,
        notes: target.quarantine,
      }, { clock, monitor, teleport: observers.teleport }),
      filter: typeFilter(types, skipEventTypes),
      maxEvents,
      maxBytes,
      maxRequests: target.maxRequests,
      observer: observers.events,
    },
    recordings: {
      source: watchRecordings({
        stream: (sessionId, startIndex, signal) =>
          client.streamSessionEvents(
            sessionId,
            startIndex,
            signal,
            FETCHING_MS,
          ),
      }, monitor),
      filter: typeFilter([], skipSessionTypes),
      concurrency: config.concurrency,
      maxEvents,
      maxBytes,
      follow: !config.exitOnLastEvent,
      patienceMs: target.policy.timeoutMs,
      clock,
      observer: observers.recordings,
      requests: target.retryRequests,
    },
    locking: lockingOptions(config.lock, client, clock),
  }, signals);
}
