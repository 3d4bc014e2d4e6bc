/**
 * What a request has to itself while it lasts: a connection, or memory for what is
 * sent.
 *
 * @module
 */

import { Slots } from "../pipeline/slots.ts";

/** A bounded number of something; who comes first is served first. */
export class Pool<T> {
  readonly #slots: Slots;
  readonly #create: () => T;
  readonly #idle: T[] = [];

  constructor(size: number, create: () => T) {
    this.#slots = new Slots(size);
    this.#create = create;
  }

  /** Resolves with one to have for oneself; rejects with `signal.reason` once aborted. */
  async acquire(signal: AbortSignal): Promise<T> {
    await this.#slots.acquire(signal);
    return this.#idle.pop() ?? this.#create();
  }

  /** Gives it back. */
  release(item: T): void {
    this.#idle.push(item);
    this.#slots.release();
  }
}
