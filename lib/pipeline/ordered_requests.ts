/**
 * The requests of one recording, in order.
 *
 * @module
 */

import { type AuditEvent, type EventBatch, sizeOf } from "../event.ts";
import type { Account } from "./accounts.ts";
import type { Deliver } from "./deliver.ts";
import type { TypeFilter } from "./filter.ts";
import type { RecordingMark } from "./ports.ts";

/**
 * Payload bytes read for one request, skipped events among them, for each byte that
 * it may have: what they were read into is held until then.
 */
const READ_PER_BYTE = 2;

/** What they need of their surroundings. */
export interface OrderedRequestsOptions {
  readonly deliver: Deliver;
  /** Of the events of recordings. */
  readonly account: Account;
  readonly filter: TypeFilter;
  /** Most events of one request. */
  readonly maxEvents: number;
  /** Most payload bytes held for one request. */
  readonly maxBytes: number;
  readonly observer: {
    /** So many events were read; `kept` of them pass the filter. */
    read(count: number, kept: number): void;
  };
}

/** Who is told how far a recording is. */
export interface ProgressObserver {
  /** An event was read that was not delivered before; told once. */
  onFurther(): void;
  onDelivered(mark: RecordingMark): void;
}

/** Requests of one recording: one in flight, while the next one fills. */
export class OrderedRequests {
  readonly #options: OrderedRequestsOptions;
  readonly #sessionId: string;
  readonly #observer: ProgressObserver;
  readonly #from: RecordingMark;
  /** Says that no event is kept any more. */
  readonly #forget: () => void;
  #toSkip: number;
  #gotFurther = false;
  #mark: RecordingMark;
  #buffer: AuditEvent[] = [];
  #bufferedBytes = 0;
  #read = 0;
  /** Of all that was read since the last request. */
  #readBytes = 0;
  /** Of the batches whose last event is in the buffer, or before it. */
  #releases: (() => void)[] = [];
  #inFlight: Promise<void> = Promise.resolve();

  constructor(
    options: OrderedRequestsOptions,
    stream: { sessionId: string; from: RecordingMark },
    observer: ProgressObserver,
  ) {
    this.#options = options;
    this.#sessionId = stream.sessionId;
    this.#observer = observer;
    this.#from = stream.from;
    this.#toSkip = stream.from.count;
    this.#mark = { index: stream.from.index, count: stream.from.count };
    this.#forget = options.account.hold(() => this.#buffer.length);
  }

  /** Whether what was added ends before what was delivered before. */
  get areBehind(): boolean {
    return this.#toSkip > 0 && !this.#gotFurther;
  }

  /** Takes the next events of the stream, but for what was delivered before. */
  async add({ events, release }: EventBatch): Promise<void> {
    const { maxEvents, maxBytes } = this.#options;
    for (const event of events) {
      this.#readBytes += sizeOf(event);
      this.#addOne(event);
      if (this.#buffer.length >= maxEvents || this.#bufferedBytes >= maxBytes) {
        await this.#send();
      }
    }
    if (release !== undefined) this.#releases.push(release);
    // A recording may be skipped almost whole, and be larger than memory.
    if (this.#readBytes >= READ_PER_BYTE * maxBytes) await this.#send();
  }

  /** Resolves when everything that was added is delivered. */
  async finish(): Promise<void> {
    await this.#send();
    await this.#inFlight;
    this.#forget();
  }

  #addOne(event: AuditEvent): void {
    const { account, filter } = this.#options;
    if (this.#toSkip > 0 && this.#deliveredBefore(event)) return;
    if (!this.#gotFurther) this.#observer.onFurther();
    this.#gotFurther = true;
    this.#mark = event.index === this.#mark.index
      ? { index: event.index, count: this.#mark.count + 1 }
      : { index: event.index, count: 1 };
    this.#read++;
    account.read++;
    if (filter(event.type)) {
      this.#buffer.push(event);
      this.#bufferedBytes += sizeOf(event);
    }
  }

  /** A server may begin before the index it was asked for. */
  #deliveredBefore({ index }: AuditEvent): boolean {
    if (index < this.#from.index) return true;
    if (index > this.#from.index) return false;
    this.#toSkip--;
    return true;
  }

  async #send(): Promise<void> {
    await this.#inFlight;
    const events = this.#buffer;
    const mark = this.#mark;
    const releases = this.#releases;
    this.#options.observer.read(this.#read, events.length);
    this.#buffer = [];
    this.#bufferedBytes = 0;
    this.#read = 0;
    this.#readBytes = 0;
    this.#releases = [];
    this.#inFlight = this.#options.deliver(
      { kind: "recording", sessionId: this.#sessionId },
      events,
    ).then(() => {
      this.#observer.onDelivered(mark);
      for (const release of releases) release();
    });
    // Awaited by the next request; until then a failure must not be unhandled.
    this.#inFlight.catch(() => {});
  }
}
