/**
 * Listens to the pipeline: counts, and logs what somebody should know.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { describe } from "../errors.ts";
import { logger } from "../log.ts";
import type { DeliveryObserver } from "../pipeline/deliver.ts";
import type { ForwardObserver } from "../pipeline/forward.ts";
import type { RecordingsObserver } from "../pipeline/recordings.ts";
import type { FailedAttempt } from "../pipeline/retry.ts";
import { type Counters, type Counts, underWay } from "./counters.ts";
import type { Movement, Movements } from "./movement.ts";
import { Trouble } from "./trouble.ts";

/** Each cause is told once; past so many, something is wrong with telling them apart. */
const MAX_CAUSES = 100;

/** Who listens to which part of the pipeline. */
export interface Observers {
  readonly delivery: DeliveryObserver;
  readonly events: ForwardObserver;
  readonly recordings: RecordingsObserver;
  /** A call to Teleport failed and will be made again; and one that worked. */
  readonly teleport: {
    failed(failed: FailedAttempt): void;
    worked(): void;
  };
}

/** What the listeners keep up to date. */
export interface Watched {
  readonly counters: Counters;
  readonly movements: Movements;
}

/** Makes the listeners of one run. */
export function createObservers(
  { counters, movements }: Watched,
  clock: Clock,
): Observers {
  const log = logger("delivery");
  const causes = new Set<string>();
  // One may fail for long while the other one works.
  const delivery = {
    audit: new Trouble("delivery of events", { log, clock }),
    recording: new Trouble("delivery of recordings", { log, clock }),
  };
  const moving = { audit: movements.delivery, recording: movements.recordings };
  const teleport = new Trouble("reading from Teleport", {
    log: logger("teleport"),
    clock,
  });
  return {
    delivery: {
      delivered({ kind }, count) {
        counters[kind].delivered += count;
        delivery[kind].worked();
        moved(moving[kind], counters[kind]);
      },
      setAside({ kind }, event, reason) {
        counters[kind].setAside++;
        moved(moving[kind], counters[kind]);
        if (causes.has(reason) || causes.size >= MAX_CAUSES) return;
        causes.add(reason);
        log.error(
          "event refused and set aside; more for this cause are counted only",
          {
            id: event.id,
            type: event.type,
            reason,
          },
        );
      },
      failed: ({ kind }, failed) => reportTo(delivery[kind], failed),
    },
    events: {
      read(events, kept) {
        counters.caughtUp = false;
        count(counters.audit, events.length, kept);
        if (kept > 0) movements.delivery.due();
      },
      advanced({ newest }) {
        if (newest !== null) counters.newestMs = Date.parse(newest.time);
      },
      caughtUp() {
        counters.caughtUp = true;
      },
    },
    recordings: recordingsObserver(counters, movements.recordings),
    teleport: {
      failed: (failed) => reportTo(teleport, failed),
      worked: () => teleport.worked(),
    },
  };
}

function recordingsObserver(
  counters: Counters,
  movement: Movement,
): RecordingsObserver {
  const log = logger("recordings");
  return {
    read(read, kept) {
      count(counters.recording, read, kept);
      if (kept > 0) movement.due();
    },
    finished(sessionId) {
      counters.recordingsFinished++;
      counters.recordingsLeft.delete(sessionId);
      log.debug("recording delivered", { session: sessionId });
    },
    failed(sessionId, { attempts, lastError }, waitMs) {
      const fields = { session: sessionId, attempts, error: lastError };
      if (waitMs === undefined) {
        counters.recordingsLeft.set(sessionId, lastError);
        log.warn("recording is left for the next run", fields);
      } else if (attempts === 1) {
        log.info("recording cannot be read, retrying", {
          ...fields,
          wait_seconds: Math.ceil(waitMs / 1_000),
        });
      } else {
        log.debug("recording still cannot be read", fields);
      }
    },
  };
}

function count(counts: Counts, read: number, kept: number): void {
  counts.read += read;
  counts.filtered += read - kept;
}

function moved(movement: Movement, counts: Counts): void {
  movement.moved();
  if (underWay(counts) === 0) movement.rest();
}

function reportTo(trouble: Trouble, failed: FailedAttempt): void {
  trouble.failed(describe(failed.error), {
    attempt: failed.attempt,
    wait_seconds: Math.ceil(failed.waitMs / 1_000),
  });
}
