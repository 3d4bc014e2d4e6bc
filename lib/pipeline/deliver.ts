/**
 * Delivers events whatever it takes: retries, splits what is refused down to the
 * event that is the cause, and sets that one aside.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { GaveUpError, RejectedError } from "../errors.ts";
import type { AuditEvent, Destination } from "../event.ts";
import type { Sink } from "./ports.ts";
import { type FailedAttempt, retry, type RetryPolicy } from "./retry.ts";

/** Where refused events go, so that they are not lost. */
export interface Quarantine {
  /** Resolves once the event is on disk. */
  setAside(
    event: AuditEvent,
    destination: Destination,
    reason: string,
  ): Promise<void>;
}

/** Who is told about what became of events. */
export interface DeliveryObserver {
  delivered(destination: Destination, count: number): void;
  setAside(destination: Destination, event: AuditEvent, reason: string): void;
  failed(destination: Destination, failed: FailedAttempt): void;
}

/** What delivery needs of its surroundings. */
export interface DeliveryOptions {
  readonly sink: Sink;
  readonly quarantine: Quarantine;
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  readonly observer: DeliveryObserver;
  readonly random?: () => number;
}

/** What ends a delivery before it is done. */
export interface DeliverySignals {
  /** Aborts the request under way. */
  readonly kill: AbortSignal;
  /** Ends the retrying, with its reason: the attempt under way is the last one. */
  readonly giveUp: AbortSignal;
}

/** Resolves once every event is delivered or set aside, in their order. */
export type Deliver = (
  destination: Destination,
  events: readonly AuditEvent[],
) => Promise<void>;

/**
 * Makes the one way that events leave the pipeline.
 *
 * The returned function rejects with `GaveUpError` where the policy's time is up
 * or the sink says that no retry would help, with `kill.reason` and
 * `giveUp.reason` once these are aborted, and with what the quarantine throws;
 * then some of the events may be delivered and the position must not move.
 */
export function createDeliver(
  options: DeliveryOptions,
  { kill, giveUp }: DeliverySignals,
): Deliver {
  const { sink, quarantine, policy, clock, observer } = options;
  const random = options.random ?? Math.random;
  const patience = AbortSignal.any([kill, giveUp]);

  return async function deliver(destination, events) {
    for (let from = 0; from < events.length;) {
      const rest = from === 0 ? events : events.slice(from);
      try {
        const count = await retry(
          () => sink.send(destination, rest, kill),
          {
            policy,
            clock,
            random,
            signal: patience,
            isFinal: (error) =>
              error instanceof RejectedError || error instanceof GaveUpError,
            onFailure: (failed) => observer.failed(destination, failed),
          },
        );
        observer.delivered(destination, count);
        from += count;
      } catch (error) {
        if (!(error instanceof RejectedError)) throw error;
        const [first] = rest;
        const refused = error.count;
        if (refused === 1 && first !== undefined) {
          await quarantine.setAside(first, destination, error.message);
          observer.setAside(destination, first, error.message);
        } else {
          const half = Math.ceil(refused / 2);
          await deliver(destination, rest.slice(0, half));
          await deliver(destination, rest.slice(half, refused));
        }
        from += refused;
      }
    }
  };
}
