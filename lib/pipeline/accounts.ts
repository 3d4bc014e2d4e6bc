/**
 * Where every event is: each number is counted where it happens, and none of them
 * from the others, so that an event that gets lost between two stages shows.
 *
 * @module
 */

/** The events of one kind. At any time, `read` is the sum of all others. */
export class Account {
  /** New to this run; what was delivered before is not counted. */
  read = 0;
  /** Not wanted by the filter. */
  filtered = 0;
  /** Acknowledged, in deliveries that are over. */
  delivered = 0;
  /** Refused and safe on disk, in deliveries that are over. */
  setAside = 0;
  /** In deliveries that are under way, or that were given up. */
  sending = 0;
  readonly #holders = new Set<() => number>();

  /**
   * Somebody keeps events until they are sent, and says how many when asked.
   *
   * @returns To be called when nothing is kept any more
   */
  hold(count: () => number): () => void {
    this.#holders.add(count);
    return () => {
      this.#holders.delete(count);
    };
  }

  /** Neither delivered nor set aside yet. */
  get inFlight(): number {
    let held = 0;
    for (const count of this.#holders) held += count();
    return held + this.sending;
  }

  /** Events that are nowhere; below 0, events that are in two places. */
  get missing(): number {
    const { read, filtered, delivered, setAside, inFlight } = this;
    return read - filtered - delivered - setAside - inFlight;
  }
}

/** The events of one run. */
export class Accounts {
  readonly audit = new Account();
  readonly recording = new Account();
}
