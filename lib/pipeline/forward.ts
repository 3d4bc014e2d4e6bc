/**
 * The loop: reads batches, filters them, fills requests, keeps several of them in
 * flight, and moves the position up to the first event that is not delivered.
 *
 * @module
 */

import { AUDIT, type AuditEvent, type Position } from "../event.ts";
import type { Deliver } from "./deliver.ts";
import { keep, type TypeFilter } from "./filter.ts";
import type { Source } from "./ports.ts";
import { Watermark } from "./watermark.ts";

/** What the loop needs of its surroundings. */
export interface ForwardOptions {
  readonly source: Source;
  readonly from: Position;
  readonly filter: TypeFilter;
  readonly deliver: Deliver;
  /** Most events of one request. */
  readonly maxEvents: number;
  /** Most requests in flight. */
  readonly maxRequests: number;
  /** Everything before the position is delivered; these recordings were announced on the way. */
  readonly advance: (position: Position, announced: readonly string[]) => void;
  /** Resolves when more recordings may be announced. */
  readonly roomForRecordings: (signal: AbortSignal) => Promise<void>;
  readonly observer: ForwardObserver;
}

/** Who is told about what was read. */
export interface ForwardObserver {
  /** A batch was read; `kept` of its events pass the filter. */
  read(events: readonly AuditEvent[], kept: number): void;
  /** Everything before the position is delivered. */
  advanced(position: Position): void;
  /** The source had nothing newer. */
  caughtUp(): void;
}

/** The two ways to end: `stop` reading, and `kill` what is in flight. */
export interface Signals {
  readonly stop: AbortSignal;
  readonly kill: AbortSignal;
}

/**
 * Forwards until the source ends or `stop` aborts, then waits for what is in
 * flight.
 *
 * @throws what `deliver` throws, `kill.reason` among it, and what the source does
 */
export async function forward(
  options: ForwardOptions,
  { stop, kill }: Signals,
): Promise<void> {
  const { source, filter, observer, maxEvents } = options;
  const failure = new AbortController();
  const halt = AbortSignal.any([stop, kill, failure.signal]);
  const requests = new Requests(options, kill, failure);
  try {
    for await (const batch of source.read(options.from, halt)) {
      const events = keep(batch.events, filter);
      observer.read(batch.events, events.length);
      requests.add(events, {
        position: batch.position,
        announced: announcedBy(batch.events),
      });
      while (requests.buffered >= maxEvents) {
        await requests.slot();
        requests.launch();
      }
      if (!batch.more) {
        await requests.flush();
        observer.caughtUp();
      }
      await options.roomForRecordings(halt);
    }
  } catch (error) {
    if (!(halt.aborted && error === halt.reason)) failure.abort(error);
  }
  await requests.drain();
  failure.signal.throwIfAborted();
}

function announcedBy(events: readonly AuditEvent[]): string[] {
  const announced = [];
  for (const { sessionId } of events) {
    if (sessionId !== undefined) announced.push(sessionId);
  }
  return announced;
}

/** What is passed when everything up to a batch is delivered. */
interface Mark {
  readonly position: Position;
  readonly announced: readonly string[];
}

/** The events that wait for a request, and the requests in flight. */
class Requests {
  readonly #options: ForwardOptions;
  readonly #kill: AbortSignal;
  readonly #failure: AbortController;
  readonly #watermark: Watermark<Mark>;
  readonly #inFlight = new Set<Promise<void>>();
  #buffer: AuditEvent[] = [];

  constructor(
    options: ForwardOptions,
    kill: AbortSignal,
    failure: AbortController,
  ) {
    this.#options = options;
    this.#kill = kill;
    this.#failure = failure;
    this.#watermark = new Watermark(({ position, announced }) =>
      options.advance(position, announced)
    );
  }

  /** Events that no request has taken yet. */
  get buffered(): number {
    return this.#buffer.length;
  }

  add(events: readonly AuditEvent[], mark: Mark): void {
    this.#watermark.read(events.length, mark);
    this.#buffer.push(...events);
    this.#launchIfIdle();
  }

  /** Resolves when another request may be launched. */
  async slot(): Promise<void> {
    while (this.#inFlight.size >= this.#options.maxRequests) {
      await Promise.race(this.#inFlight);
      this.#failure.signal.throwIfAborted();
    }
  }

  /** Sends up to one request's worth of what is buffered. */
  launch(): void {
    const events = this.#buffer.splice(0, this.#options.maxEvents);
    const ticket = this.#watermark.request(events.length);
    const request = this.#options.deliver(AUDIT, events, this.#kill)
      .then(() => this.#watermark.finish(ticket))
      .catch((error) => this.#failure.abort(error))
      .finally(() => {
        this.#inFlight.delete(request);
        this.#launchIfIdle();
      });
    this.#inFlight.add(request);
  }

  /** Sends what is buffered, full request or not. */
  async flush(): Promise<void> {
    while (this.#buffer.length > 0) {
      await this.slot();
      this.launch();
    }
  }

  /** Sends what is buffered and waits for all requests, unless one has failed. */
  async drain(): Promise<void> {
    while (!this.#failure.signal.aborted && this.#buffer.length > 0) {
      if (this.#inFlight.size < this.#options.maxRequests) this.launch();
      else await Promise.race(this.#inFlight);
    }
    await Promise.all(this.#inFlight);
  }

  /** A partial request waits to be filled only while others are in flight. */
  #launchIfIdle(): void {
    if (
      this.#inFlight.size === 0 && this.#buffer.length > 0 &&
      !this.#failure.signal.aborted
    ) this.launch();
  }
}
