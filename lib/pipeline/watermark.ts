/**
 * Positions in order, although requests finish in any order.
 *
 * @module
 */

/** A request that covers the events up to `end`, counted since the start. */
export interface Ticket {
  readonly end: number;
  done: boolean;
}

/** What becomes of marks. */
export interface WatermarkOptions<Mark> {
  /** Every event before the mark is delivered. */
  readonly onPass: (mark: Mark) => void;
  /** One mark for two with no event between them: they are passed together. */
  readonly merge: (earlier: Mark, later: Mark) => Mark;
}

/**
 * Counts events in the order they were read. A mark is passed once every event
 * before it is delivered, and marks are passed in order: a position that is
 * behind an undelivered event is never kept.
 */
export class Watermark<Mark> {
  readonly #options: WatermarkOptions<Mark>;
  readonly #requests: Ticket[] = [];
  readonly #marks: { readonly end: number; mark: Mark }[] = [];
  readonly #waiting: { readonly end: number; tell: () => void }[] = [];
  #read = 0;
  #requested = 0;
  #delivered = 0;

  constructor(options: WatermarkOptions<Mark>) {
    this.#options = options;
  }

  /** Requests that are not finished, and those that finished ahead of one of them. */
  get pending(): number {
    return this.#requests.length;
  }

  /** Notes that `count` more events were read, and what they lead up to. */
  read(count: number, mark: Mark): void {
    this.#read += count;
    const last = this.#marks.at(-1);
    // While a delivery hangs, any number of pages may come with no event to send.
    if (last?.end === this.#read) {
      last.mark = this.#options.merge(last.mark, mark);
    } else {
      this.#marks.push({ end: this.#read, mark });
      this.#pass();
    }
  }

  /**
   * Calls `tell` once every event that was read so far is delivered; of several
   * that wait for the same events, only the last.
   */
  whenDelivered(tell: () => void): void {
    const last = this.#waiting.at(-1);
    if (last?.end === this.#read) last.tell = tell;
    else this.#waiting.push({ end: this.#read, tell });
    this.#pass();
  }

  /** A request takes the next `count` events that were read. */
  request(count: number): Ticket {
    this.#requested += count;
    const ticket = { end: this.#requested, done: false };
    this.#requests.push(ticket);
    return ticket;
  }

  /** All events of the request are delivered, or safe elsewhere. */
  finish(ticket: Ticket): void {
    ticket.done = true;
    while (this.#requests[0]?.done) {
      this.#delivered = this.#requests.shift()?.end ?? this.#delivered;
    }
    this.#pass();
  }

  #pass(): void {
    for (
      let next = this.#marks[0];
      next !== undefined && next.end <= this.#delivered;
      next = this.#marks[0]
    ) {
      this.#marks.shift();
      this.#options.onPass(next.mark);
    }
    for (
      let next = this.#waiting[0];
      next !== undefined && next.end <= this.#delivered;
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      next.tell();
    }
  }
}
