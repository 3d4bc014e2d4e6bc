/**
 * A loop between a source and a delivery that a test holds in its hands.
 *
 * @module
 */

import type { AuditEvent, Batch } from "../../lib/event.ts";
import { Account } from "../../lib/pipeline/accounts.ts";
import { typeFilter } from "../../lib/pipeline/filter.ts";
import { forward, type ForwardOptions } from "../../lib/pipeline/forward.ts";
import type { Source } from "../../lib/pipeline/ports.ts";
import { cursorOf, idsOf, position } from "../fakes/audit_events.ts";

/** One request that is under way. */
export interface HeldRequest {
  readonly ids: readonly string[];
  readonly succeed: () => void;
  readonly fail: (error: unknown) => void;
}

/** A source that yields what the test gives it, until the test ends it. */
export class HeldSource implements Source {
  readonly #batches: Batch[] = [];
  #given = Promise.withResolvers<void>();
  #ended = false;
  /** How often it was asked for a batch. */
  asked = 0;

  /** The next batch; its position is its number, from 1 on. */
  give(
    events: readonly AuditEvent[],
    { more = true, release }: Partial<Pick<Batch, "more" | "release">> = {},
  ): void {
    const number = this.#batches.length + 1;
    this.#batches.push({ events, position: position(number), more, release });
    this.#given.resolve();
  }

  end(): void {
    this.#ended = true;
    this.#given.resolve();
  }

  async *read(_from: unknown, stop: AbortSignal): AsyncGenerator<Batch> {
    const stopped = Promise.withResolvers<void>();
    stop.addEventListener("abort", () => stopped.resolve(), { once: true });
    for (let next = 0;; next++) {
      this.asked++;
      while (next === this.#batches.length) {
        if (this.#ended || stop.aborted) return;
        this.#given = Promise.withResolvers();
        await Promise.race([this.#given.promise, stopped.promise]);
      }
      if (stop.aborted) return;
      yield this.#batches[next] as Batch;
    }
  }
}

/** What a test sees of a running loop. */
export interface Running {
  readonly source: HeldSource;
  /** Requests under way, in the order in which they were launched. */
  readonly requests: HeldRequest[];
  /** Ids of all events that were delivered, in that order. */
  readonly delivered: string[];
  /** Positions that were passed, by their number, and what was announced on the way. */
  readonly positions: string[];
  readonly announced: string[];
  /** What the observer was told. */
  readonly told: string[];
  readonly stop: AbortController;
  readonly kill: AbortController;
  readonly ended: Promise<void>;
}

/** Starts a loop of requests with up to three events, two at a time. */
export function startForwarding(
  options: Partial<ForwardOptions> & { types?: readonly string[] } = {},
): Running {
  const { types = [], ...rest } = options;
  const source = new HeldSource();
  const stop = new AbortController();
  const kill = new AbortController();
  const requests: HeldRequest[] = [];
  const delivered: string[] = [];
  const positions: string[] = [];
  const announced: string[] = [];
  const told: string[] = [];
  const ended = forward({
    source,
    from: position(0),
    filter: typeFilter(types, []),
    maxEvents: 3,
    maxBytes: Infinity,
    maxRequests: 2,
    deliver: (_destination, events) =>
      new Promise<void>((resolve, reject) => {
        const settle = (end: () => void) => {
          kill.signal.removeEventListener("abort", abort);
          requests.splice(requests.indexOf(request), 1);
          end();
        };
        const abort = () => request.fail(kill.signal.reason);
        const request: HeldRequest = {
          ids: idsOf(events),
          succeed: () =>
            settle(() => {
              delivered.push(...request.ids);
              resolve();
            }),
          fail: (error) => settle(() => reject(error)),
        };
        kill.signal.addEventListener("abort", abort, { once: true });
        requests.push(request);
      }),
    advance: (position, sessionIds) => {
      positions.push(cursorOf(position));
      announced.push(...sessionIds);
    },
    account: new Account(),
    roomForRecordings: () => Promise.resolve(),
    observer: {
      read: (count, kept) => told.push(`read ${count}, kept ${kept}`),
      advanced: () => {},
      caughtUp() {
        told.push("caught up");
        return () => told.push("all delivered");
      },
    },
    ...rest,
  }, { stop: stop.signal, kill: kill.signal });
  // A test that ends it with a failure looks at it later.
  ended.catch(() => {});
  return {
    source,
    requests,
    delivered,
    positions,
    announced,
    told,
    stop,
    kill,
    ended,
  };
}
