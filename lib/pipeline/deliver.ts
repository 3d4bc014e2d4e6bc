/**
 * Delivers events whatever it takes: retries, splits what is refused down to the
 * events that are the cause, and sets these aside.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { GaveUpError, RejectedError } from "../errors.ts";
import { type AuditEvent, type Destination, sizeOf } from "../event.ts";
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
  /** What had failed is delivered or set aside; told once for all of its attempts. */
  recovered(destination: Destination): void;
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
export type Deliver<Result = unknown> = (
  destination: Destination,
  events: readonly AuditEvent[],
) => Promise<Result>;

/** What became of the events of one delivery. */
export interface Delivered {
  readonly delivered: number;
  readonly setAside: number;
}

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
): Deliver<Delivered> {
  const { sink, quarantine, observer } = options;
  const patience = AbortSignal.any([kill, giveUp]);
  /** The smallest payload that was too large for a receiver all by itself. */
  const tooLarge = { audit: Infinity, recording: Infinity };

  return deliver;

  async function deliver(
    destination: Destination,
    events: readonly AuditEvent[],
  ): Promise<Delivered> {
    let sum = NONE;
    for (let from = 0; from < events.length;) {
      const rest = beforeSize(
        from === 0 ? events : events.slice(from),
        tooLarge[destination.kind],
      );
      let hasFailed = false;
      try {
        const count = await retry(
          () => sink.send(destination, rest, kill),
          {
            ...options,
            signal: patience,
            isFinal: (error) =>
              error instanceof RejectedError || error instanceof GaveUpError,
            onFailure: (failed) => {
              hasFailed = true;
              observer.failed(destination, failed);
            },
          },
        );
        observer.delivered(destination, count);
        sum = add(sum, { delivered: count, setAside: 0 });
        from += count;
      } catch (error) {
        if (!(error instanceof RejectedError)) throw error;
        const refused = rest.slice(0, error.count);
        sum = add(sum, await separate(destination, refused, error));
        from += refused.length;
      }
      if (hasFailed) observer.recovered(destination);
    }
    return sum;
  }

  /** Delivers what can be of a refused request, and sets the rest aside. */
  async function separate(
    destination: Destination,
    refused: readonly AuditEvent[],
    { message, oversized }: RejectedError,
  ): Promise<Delivered> {
    const [first] = refused;
    if (first !== undefined && refused.length === 1) {
      if (oversized > 0) {
        const { kind } = destination;
        tooLarge[kind] = Math.min(tooLarge[kind], sizeOf(first));
      }
      await quarantine.setAside(first, destination, message);
      observer.setAside(destination, first, message);
      return { delivered: 0, setAside: 1 };
    }
    if (oversized > 0) {
      return await separateLargest(destination, refused, oversized);
    }
    const half = Math.ceil(refused.length / 2);
    return add(
      await deliver(destination, refused.slice(0, half)),
      await deliver(destination, refused.slice(half)),
    );
  }

  /**
   * For a receiver that refuses so many events for their size and keeps the
   * others, although it has not acknowledged them: halving would have it keep
   * these again each time. The largest are sent by themselves until all causes
   * are found, and then the others together, so that each is kept once more.
   */
  async function separateLargest(
    destination: Destination,
    refused: readonly AuditEvent[],
    oversized: number,
  ): Promise<Delivered> {
    const bySize = refused.toSorted((a, b) => sizeOf(b) - sizeOf(a));
    const others = new Set(refused);
    let sum = NONE;
    for (const event of bySize) {
      if (sum.setAside === oversized) break;
      others.delete(event);
      sum = add(sum, await deliver(destination, [event]));
    }
    return add(sum, await deliver(destination, [...others]));
  }
}

const NONE: Delivered = { delivered: 0, setAside: 0 };

function add(a: Delivered, b: Delivered): Delivered {
  return {
    delivered: a.delivered + b.delivered,
    setAside: a.setAside + b.setAside,
  };
}

/** The leading events up to one of that size, which is to go by itself. */
function beforeSize(
  events: readonly AuditEvent[],
  size: number,
): readonly AuditEvent[] {
  if (size === Infinity) return events;
  const place = events.findIndex((event) => sizeOf(event) >= size);
  return place === -1 ? events : events.slice(0, Math.max(1, place));
}
