/**
 * Listens to the pipeline: counts, and logs what somebody should know.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { describe, needsAction } from "../errors.ts";
import { type Destination, OLD_ANSWER_MS } from "../event.ts";
import { logger } from "../log.ts";
import type { DeliveryObserver } from "../pipeline/deliver.ts";
import type { ForwardObserver } from "../pipeline/forward.ts";
import type { RecordingsObserver } from "../pipeline/recordings.ts";
import type { FailedAttempt } from "../pipeline/retry.ts";
import { causeOf } from "./cause.ts";
import { type Counters, type Counts, underWay } from "./counters.ts";
import type { Movement, Movements } from "./movement.ts";
import { callStatus, requestOutcome } from "./outcome.ts";
import type { Problems } from "./problems.ts";
import type { Side } from "./side.ts";
import { Trouble } from "./trouble.ts";

/** Each cause is told once; past so many, something is wrong with telling them apart. */
const MAX_CAUSES = 100;

/** Who listens to which part of the pipeline. */
export interface Observers {
  readonly delivery: DeliveryObserver;
  readonly events: ForwardObserver;
  readonly recordings: RecordingsObserver;
  readonly teleport: CallsObserver;
}

/** Who is told of the calls to Teleport. */
export interface CallsObserver {
  /** One failed and will be made again. */
  failed(failed: FailedAttempt): void;
  worked(): void;
}

/** What the listeners keep up to date. */
export interface Watched {
  readonly counters: Counters;
  readonly movements: Movements;
  readonly problems: Problems;
  readonly teleport: Side;
  readonly fluentd: Side;
}

/** What each part is called, in log lines and to people. */
const WHAT = {
  audit: "delivery of events",
  recording: "delivery of recordings",
  teleport: "reading from Teleport",
  recordings: "reading of recordings",
  refused: "events that are refused",
} as const;

/** Makes the listeners of one run. */
export function createObservers(watched: Watched, clock: Clock): Observers {
  return {
    delivery: deliveryObserver(watched, clock),
    events: eventsObserver(watched, clock),
    recordings: recordingsObserver(watched, clock),
    teleport: callsObserver(watched, clock),
  };
}

function deliveryObserver(
  { counters, movements, problems, fluentd }: Watched,
  clock: Clock,
): DeliveryObserver {
  const log = logger("delivery");
  const causes = new Set<string>();
  // One may fail for long while the other one works.
  const trouble = {
    audit: new Trouble(WHAT.audit, { log, clock }),
    recording: new Trouble(WHAT.recording, { log, clock }),
  };
  const moving = { audit: movements.delivery, recording: movements.recordings };
  // Requests that failed and are to be made again. That others arrive meanwhile says
  // nothing of these: one may hold a single event that the receiver stumbles over.
  const failing = { audit: 0, recording: 0 };
  const over = (kind: Destination["kind"]) => {
    if (failing[kind] > 0) return;
    trouble[kind].worked();
    problems.over(WHAT[kind]);
  };
  const answered = (kind: Destination["kind"]) => {
    fluentd.answered(WHAT[kind]);
    moved(moving[kind], counters[kind]);
    over(kind);
  };
  return {
    delivered({ kind }, count) {
      counters[kind].delivered += count;
      answered(kind);
    },
    setAside({ kind }, event, reason) {
      counters[kind].setAside++;
      answered(kind);
      problems.occurred(WHAT.refused, reason);
      const cause = causeOf(reason);
      if (causes.has(cause) || causes.size >= MAX_CAUSES) return;
      causes.add(cause);
      log.error(
        "event refused and set aside; more for this cause are counted only",
        { id: event.id, type: event.type, reason },
      );
    },
    failed({ kind }, failed) {
      if (failed.attempt === 1) failing[kind]++;
      counters.retries.fluentd.count(requestOutcome(failed.error));
      moving[kind].attempted(failed.waitMs);
      const error = describe(failed.error);
      fluentd.failed(WHAT[kind], error);
      problems.occurred(WHAT[kind], error);
      report(trouble[kind], error, failed);
    },
    recovered({ kind }) {
      failing[kind]--;
      over(kind);
    },
  };
}

function eventsObserver(
  { counters, movements }: Watched,
  clock: Clock,
): ForwardObserver {
  return {
    read(read, kept) {
      // A page without an event may lead on, too; where it does not, that is told next.
      counters.caughtUp = false;
      count(counters.audit, read, kept);
      if (kept > 0) movements.delivery.due();
    },
    advanced({ kind, newest }) {
      counters.inOrder = kind === "page";
      if (newest !== null) counters.newestMs = Date.parse(newest.time);
    },
    caughtUp(askedMs = clock.now()) {
      counters.caughtUp = clock.now() - askedMs < OLD_ANSWER_MS;
      return () => {
        counters.upToDateMs = askedMs;
      };
    },
  };
}

function recordingsObserver(
  { counters, movements, problems }: Watched,
  clock: Clock,
): RecordingsObserver {
  const log = logger("recordings");
  const failing = new Set<string>();
  // What lasts until somebody acts, and the recordings that it keeps.
  const trouble = new Trouble(WHAT.recordings, { log, clock });
  const troubled = new Set<string>();
  return {
    read(read, kept) {
      count(counters.recording, read, kept);
      if (kept > 0) movements.recordings.due();
    },
    finished(sessionId, { toldMissing = false }) {
      if (failing.delete(sessionId) && failing.size === 0) {
        problems.over(WHAT.recordings);
      }
      if (troubled.delete(sessionId) && troubled.size === 0) trouble.worked();
      counters.recordingsFinished++;
      const session = sessionId;
      // Who was told that it is missing hears that it is not.
      if (toldMissing) {
        log.info("recording that was missing is delivered", { session });
      } else log.debug("recording delivered", { session });
    },
    full() {
      counters.caughtUp = false;
    },
    retried: (sessionId) =>
      log.info("recording is tried again, as asked for", {
        session: sessionId,
      }),
    missing: (sessionId, { sinceMs, attempts, lastError }) =>
      log.error(
        "recording is missing: it could not be read for two days, and is tried further",
        {
          session: sessionId,
          since: new Date(sinceMs).toISOString(),
          attempts,
          error: lastError,
        },
      ),
    failed(sessionId, { attempts, lastError }, waitMs, error) {
      failing.add(sessionId);
      problems.occurred(WHAT.recordings, lastError);
      const fields = { session: sessionId, attempts, error: lastError };
      if (waitMs === undefined) {
        log.warn("recording is left for the next run", fields);
        return;
      }
      counters.retries.teleport.count(callStatus(error));
      const waitSeconds = Math.ceil(waitMs / 1_000);
      if (needsAction(error)) {
        troubled.add(sessionId);
        // What differs by recording only is the same trouble.
        trouble.failed(causeOf(lastError), {
          ...fields,
          wait_seconds: waitSeconds,
        }, "error");
      } else if (attempts === 1) {
        log.info("recording cannot be read, retrying", {
          ...fields,
          wait_seconds: waitSeconds,
        });
      } else {
        log.debug("recording still cannot be read", fields);
      }
    },
  };
}

function callsObserver(
  { counters, movements, problems, teleport }: Watched,
  clock: Clock,
): CallsObserver {
  const trouble = new Trouble(WHAT.teleport, {
    log: logger("teleport"),
    clock,
  });
  return {
    failed(failed) {
      // What comes first when it answers again is not all that came meanwhile.
      counters.caughtUp = false;
      counters.retries.teleport.count(callStatus(failed.error));
      movements.reading.attempted(failed.waitMs);
      const error = describe(failed.error);
      teleport.failed(WHAT.teleport, error);
      problems.occurred(WHAT.teleport, error);
      report(trouble, error, failed);
    },
    worked() {
      trouble.worked();
      if (teleport.answered(WHAT.teleport)) problems.over(WHAT.teleport);
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

function report(
  trouble: Trouble,
  text: string,
  { error, attempt, waitMs }: FailedAttempt,
): void {
  trouble.failed(text, {
    attempt,
    wait_seconds: Math.ceil(waitMs / 1_000),
  }, needsAction(error) ? "error" : "warn");
}
