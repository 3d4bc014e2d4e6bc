/**
 * From several hands into one.
 *
 * @module
 */

interface Offer<Item> {
  readonly item: Item;
  readonly taken: PromiseWithResolvers<void>;
}

/**
 * Hands items over one by one, in the order in which they were offered. Whoever
 * offers one waits until it is taken, which is the back-pressure.
 */
export class Handoff<Item> {
  readonly #offers: Offer<Item>[] = [];
  #taker: PromiseWithResolvers<Item> | undefined;
  #end: { readonly error: unknown } | undefined;

  /** Ends with the signal's reason once it aborts. */
  constructor(signal: AbortSignal) {
    const end = () => this.end(signal.reason);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  }

  /** Resolves when the item is taken; rejects with the error of the end. */
  offer(item: Item): Promise<void> {
    if (this.#end !== undefined) return Promise.reject(this.#end.error);
    if (this.#taker !== undefined) {
      this.#taker.resolve(item);
      this.#taker = undefined;
      return Promise.resolve();
    }
    const taken = Promise.withResolvers<void>();
    this.#offers.push({ item, taken });
    return taken.promise;
  }

  /** Resolves with the next item; rejects with the error of the end. For one taker. */
  take(): Promise<Item> {
    if (this.#end !== undefined) return Promise.reject(this.#end.error);
    const offer = this.#offers.shift();
    if (offer !== undefined) {
      offer.taken.resolve();
      return Promise.resolve(offer.item);
    }
    this.#taker = Promise.withResolvers();
    return this.#taker.promise;
  }

  /** Rejects everybody who waits or comes, with the error of the first call. */
  end(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#taker?.reject(error);
    for (const { taken } of this.#offers.splice(0)) taken.reject(error);
  }
}
