/**
 * The loop: reads batches, filters them, fills requests, keeps several of them in
 * flight, and moves the position up to the first event that is not delivered.
 *
 * @module
 */

import { isAbort } from "../errors.ts";
import { AUDIT, type AuditEvent, type Position, sizeOf } from "../event.ts";
import type { Account } from "./accounts.ts";
import type { Deliver } from "./deliver.ts";
import { keep, type TypeFilter } from "./filter.ts";
import { fitting } from "./fitting.ts";
import { HeldMemory } from "./held_memory.ts";
import type { Source } from "./ports.ts";
import { Watermark } from "./watermark.ts";

/**
 * Requests that may finish ahead of one that does not, for each in flight: what
 * a crash then sends again stays bounded, and so does what is remembered.
 */
const AHEAD_PER_REQUEST = 10;

/** What the loop needs of its surroundings. */
export interface ForwardOptions {
  readonly source: Source;
  readonly from: Position;
  readonly filter: TypeFilter;
  readonly deliver: Deliver;
  /** Of the events that are read here. */
  readonly account: Account;
  /** Most events of one request. */
  readonly maxEvents: number;
  /** Most payload bytes of one request; one event may exceed it. */
  readonly maxBytes: number;
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
  /** A batch of so many events was read; `kept` of them pass the filter. */
  read(count: number, kept: number): void;
  /** Everything before the position is delivered. */
  advanced(position: Position): void;
  /**
   * The source had nothing newer when it asked, at `askedMs`.
   *
   * @returns Called once everything that was read until then is delivered
   */
  caughtUp(askedMs?: number): () => void;
}

/** The two ways to end: `stop` reading, and `kill` what is in flight. */
export interface Signals {
  readonly stop: AbortSignal;
  readonly kill: AbortSignal;
}

/**
 * Forwards until the source ends, or `stop` or `kill` aborts, then waits for what
 * is in flight: aborting that is the business of `deliver`.
 *
 * @throws what `deliver` throws, and what the source does
 */
export async function forward(
  options: ForwardOptions,
  { stop, kill }: Signals,
): Promise<void> {
  const { source, filter, observer } = options;
  const failure = new AbortController();
  const halt = AbortSignal.any([stop, kill, failure.signal]);
  const requests = new Requests(options, failure);
  try {
    for await (const batch of source.read(options.from, halt)) {
      options.account.read += batch.events.length;
      const events = keep(batch.events, filter);
      observer.read(batch.events.length, events.length);
      requests.add(events, {
        position: batch.position,
        announced: announcedBy(batch.events),
      }, batch.release ?? (() => {}));
      if (!batch.more) {
        requests.whenDelivered(observer.caughtUp(batch.askedMs));
      }
      await requests.sendFull();
      if (!batch.more) await requests.sendAll();
      await options.roomForRecordings(halt);
    }
  } catch (error) {
    if (!isAbort(error, halt)) failure.abort(error);
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
  readonly #failure: AbortController;
  readonly #watermark: Watermark<Mark>;
  readonly #memory = new HeldMemory();
  /** Events that no request has taken yet. */
  #buffer: AuditEvent[] = [];
  #bufferedBytes = 0;
  #inFlight = 0;
  #finished = Promise.withResolvers<void>();

  constructor(options: ForwardOptions, failure: AbortController) {
    this.#options = options;
    this.#failure = failure;
    options.account.hold(() => this.#buffer.length);
    this.#watermark = new Watermark({
      onPass: ({ position, announced }) => options.advance(position, announced),
      merge: (earlier, later) => ({
        position: later.position,
        announced: earlier.announced.concat(later.announced),
      }),
    });
  }

  add(events: readonly AuditEvent[], mark: Mark, release: () => void): void {
    this.#watermark.read(events.length, mark);
    this.#memory.hold(events.length, release);
    this.#buffer = this.#buffer.concat(events);
    this.#bufferedBytes += bytesOf(events);
    this.#launchIfIdle();
  }

  /** Calls `tell` once everything that was added is delivered. */
  whenDelivered(tell: () => void): void {
    this.#watermark.whenDelivered(tell);
  }

  /** Sends what is buffered until it is less than one request. */
  async sendFull(): Promise<void> {
    const { maxEvents, maxBytes } = this.#options;
    while (
      this.#buffer.length >= maxEvents || this.#bufferedBytes >= maxBytes
    ) await this.#launchWhenFree();
  }

  /** Sends what is buffered, full request or not. */
  async sendAll(): Promise<void> {
    while (this.#buffer.length > 0) await this.#launchWhenFree();
  }

  /** Sends what is buffered and waits for all requests, unless one has failed. */
  async drain(): Promise<void> {
    while (!this.#failure.signal.aborted && this.#buffer.length > 0) {
      await this.#launchWhenFree();
    }
    while (this.#inFlight > 0) await this.#finished.promise;
  }

  /** Launches a request, or waits for one to finish where there is no room. */
  async #launchWhenFree(): Promise<void> {
    this.#failure.signal.throwIfAborted();
    const { maxRequests } = this.#options;
    if (
      this.#inFlight < maxRequests &&
      this.#watermark.pending < AHEAD_PER_REQUEST * maxRequests
    ) this.#launch();
    else await this.#finished.promise;
  }

  /** A partial request waits to be filled only while others are in flight. */
  #launchIfIdle(): void {
    if (
      this.#inFlight === 0 && this.#buffer.length > 0 &&
      !this.#failure.signal.aborted
    ) this.#launch();
  }

  /** Sends up to one request's worth of what is buffered. */
  #launch(): void {
    this.#inFlight++;
    this.#deliver(this.#take())
      .catch((error) => this.#failure.abort(error))
      .finally(() => {
        this.#inFlight--;
        this.#launchIfIdle();
        this.#finished.resolve();
        this.#finished = Promise.withResolvers();
      });
  }

  #take(): AuditEvent[] {
    const { count, bytes } = fitting(this.#buffer, this.#options);
    this.#bufferedBytes -= bytes;
    return this.#buffer.splice(0, count);
  }

  async #deliver(events: readonly AuditEvent[]): Promise<void> {
    const ticket = this.#watermark.request(events.length);
    const taken = this.#memory.take(events.length);
    await this.#options.deliver(AUDIT, events);
    this.#memory.deliver(taken);
    this.#watermark.finish(ticket);
  }
}

function bytesOf(events: readonly AuditEvent[]): number {
  let bytes = 0;
  for (const event of events) bytes += sizeOf(event);
  return bytes;
}
