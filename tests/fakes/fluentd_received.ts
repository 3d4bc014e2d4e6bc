/**
 * What the Fluentd stand-in received: which events, in which order, and by how
 * many requests. Compact enough for millions of events.
 *
 * @module
 */

import type { JsonRecord } from "./fluentd_body.ts";

/** How a request ended: the status it was answered with, or why it was not. */
export type Outcome = number | "reset" | "hung" | "cut off";

/** One request, kept only where bodies are kept. */
export interface ReceivedRequest {
  readonly tag: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body, decompressed; "" where it was not read. */
  readonly body: string;
  readonly outcome: Outcome;
  /** When it was answered, or was not to be any more, as by `performance.now`. */
  readonly endedMs: number;
}

/** How what arrived differs from what was expected. */
export interface Comparison {
  /** Expected, but it did not arrive. */
  readonly missing: readonly string[];
  /** Arrived more often than expected; named once for each time too many. */
  readonly duplicates: readonly string[];
  /** Arrived, although nobody expected it; named once for each time. */
  readonly unexpected: readonly string[];
}

/** The numbers, as plain JSON. */
export interface Summary {
  /** Events stored. */
  readonly events: number;
  /** Events stored, by tag. */
  readonly tags: Readonly<Record<string, number>>;
  readonly requests: number;
  /** Requests by how they ended, e.g. `{"200": 9, "reset": 1}`. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** The most requests that were under way at the same time. */
  readonly maxConcurrentRequests: number;
}

interface TagLog {
  readonly ids: string[];
  readonly records: JsonRecord[];
}

interface Waiter {
  readonly condition: () => boolean;
  readonly resolve: () => void;
}

/** What the memory is to do. */
export interface ReceivedOptions {
  /** Whether records and requests are kept, and not only their ids and numbers. */
  readonly keepBodies: boolean;
  /**
   * Told of all events that are stored; `answered` where the request is answered
   * with a 2xx, and so the client knows.
   */
  readonly onStored?: (
    tag: string,
    records: readonly JsonRecord[],
    answered: boolean,
  ) => void;
}

/** The stand-in's memory. Survives its restarts. */
export class Received {
  readonly #options: ReceivedOptions;
  readonly #tags = new Map<string, TagLog>();
  readonly #requests: ReceivedRequest[] = [];
  readonly #outcomes = new Map<Outcome, number>();
  readonly #waiters = new Set<Waiter>();
  #events = 0;
  #underWay = 0;
  #maxUnderWay = 0;

  constructor(options: ReceivedOptions) {
    this.#options = options;
  }

  /** Requests that have ended, whichever way. */
  get ended(): number {
    return this.#outcomes.values().reduce((sum, count) => sum + count, 0);
  }

  /** Requests that are not answered yet, and whose connection is not gone. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Events stored so far. */
  get events(): number {
    return this.#events;
  }

  /** Every request that has ended, in that order; empty where bodies are not kept. */
  get requests(): readonly ReceivedRequest[] {
    return this.#requests;
  }

  /** The tags that have an event, in the order of their first one. */
  tags(): string[] {
    return [...this.#tags.keys()];
  }

  /** The `uid`s of a tag's events in the order of arrival; "" where there is none. */
  ids(tag: string): readonly string[] {
    return this.#tags.get(tag)?.ids ?? [];
  }

  /** A tag's events in the order of arrival; empty where bodies are not kept. */
  records(tag: string): readonly JsonRecord[] {
    return this.#tags.get(tag)?.records ?? [];
  }

  /** Compares one tag, or all tags together, with the ids that were expected. */
  compare(expected: Iterable<string>, tag?: string): Comparison {
    const surplus = new Map<string, number>();
    for (const id of expected) surplus.set(id, (surplus.get(id) ?? 0) - 1);
    const unexpected: string[] = [];
    const duplicates: string[] = [];
    for (const name of tag === undefined ? this.#tags.keys() : [tag]) {
      for (const id of this.ids(name)) {
        const before = surplus.get(id);
        if (before === undefined) {
          unexpected.push(id);
          continue;
        }
        surplus.set(id, before + 1);
        if (before >= 0) duplicates.push(id);
      }
    }
    const missing = [...surplus].flatMap(([id, count]) =>
      count < 0 ? new Array<string>(-count).fill(id) : []
    );
    return { missing, duplicates, unexpected };
  }

  /** The numbers so far. */
  summary(): Summary {
    return {
      events: this.#events,
      tags: Object.fromEntries(
        [...this.#tags].map(([tag, { ids }]) => [tag, ids.length]),
      ),
      requests: this.ended,
      outcomes: Object.fromEntries(this.#outcomes),
      maxConcurrentRequests: this.#maxUnderWay,
    };
  }

  /**
   * Resolves once `condition` holds; it is asked again after every request.
   * Rejects when the signal aborts, after 30 s where none is given, and says what
   * had arrived by then.
   */
  until(
    condition: (received: Received) => boolean,
    signal: AbortSignal = AbortSignal.timeout(30_000),
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (condition(this)) return resolve();
      const waiter: Waiter = {
        condition: () => condition(this),
        resolve: () => {
          signal.removeEventListener("abort", abort);
          resolve();
        },
      };
      const abort = () => {
        this.#waiters.delete(waiter);
        const summary = JSON.stringify(this.summary());
        const message = `Waited in vain; received so far: ${summary}`;
        reject(new Error(message, { cause: signal.reason }));
      };
      if (signal.aborted) return abort();
      signal.addEventListener("abort", abort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** A request has begun; `leave` once the client no longer waits for it. */
  begin(): void {
    this.#underWay += 1;
    this.#maxUnderWay = Math.max(this.#maxUnderWay, this.#underWay);
  }

  /** A request is answered, or its connection is gone. */
  leave(): void {
    this.#underWay -= 1;
  }

  /** Keeps events; `answered` as `onStored` is told. */
  store(
    tag: string,
    records: readonly JsonRecord[],
    { answered = true }: { readonly answered?: boolean } = {},
  ): void {
    if (records.length === 0) return;
    this.#options.onStored?.(tag, records, answered);
    let log = this.#tags.get(tag);
    if (log === undefined) this.#tags.set(tag, log = { ids: [], records: [] });
    for (const record of records) {
      const { uid } = record;
      log.ids.push(typeof uid === "string" ? uid : "");
      if (this.#options.keepBodies) log.records.push(record);
    }
    this.#events += records.length;
  }

  /** How a request ended is known; what it brought is stored already. */
  count(request: ReceivedRequest): void {
    const { outcome } = request;
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    if (this.#options.keepBodies) this.#requests.push(request);
    for (const waiter of this.#waiters) {
      if (!waiter.condition()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }
}
