/**
 * What events are read into, held until they are delivered.
 *
 * @module
 */

/** Events that were read together. */
interface Batch {
  /** Events that no request has taken. */
  waiting: number;
  /** Events that are not delivered. */
  undelivered: number;
  readonly release: () => void;
}

/** Of a request, how many events it took of which batch. */
export type Taken = readonly {
  readonly batch: Batch;
  readonly count: number;
}[];

/**
 * Counts events in the order they were read, and releases the memory of a batch
 * once all of its events are delivered, however late those of an earlier one are.
 */
export class HeldMemory {
  /** Those of which requests may still take events, in order. */
  readonly #waiting: Batch[] = [];

  /** Notes that `count` more events were read into something. */
  hold(count: number, release: () => void): void {
    if (count === 0) release();
    else this.#waiting.push({ waiting: count, undelivered: count, release });
  }

  /** A request takes the next `count` events that were read. */
  take(count: number): Taken {
    const taken = [];
    for (let left = count; left > 0;) {
      const [batch] = this.#waiting;
      if (batch === undefined) break;
      const part = Math.min(left, batch.waiting);
      batch.waiting -= part;
      if (batch.waiting === 0) this.#waiting.shift();
      taken.push({ batch, count: part });
      left -= part;
    }
    return taken;
  }

  /** All events of a request are delivered. */
  deliver(taken: Taken): void {
    for (const { batch, count } of taken) {
      batch.undelivered -= count;
      if (batch.undelivered === 0) batch.release();
    }
  }
}
