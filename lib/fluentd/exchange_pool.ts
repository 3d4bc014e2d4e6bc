/**
 * The connections to one host.
 *
 * @module
 */

import { Slots } from "../pipeline/slots.ts";
import type { Exchange } from "./exchange.ts";

/** A bounded number of connections; who comes first is served first. */
export class ExchangePool {
  readonly #slots: Slots;
  readonly #create: () => Exchange;
  readonly #idle: Exchange[] = [];

  constructor(size: number, create: () => Exchange) {
    this.#slots = new Slots(size);
    this.#create = create;
  }

  /** Resolves with a connection of one's own; rejects with `signal.reason` once aborted. */
  async acquire(signal: AbortSignal): Promise<Exchange> {
    await this.#slots.acquire(signal);
    return this.#idle.pop() ?? this.#create();
  }

  /** Gives a connection back. */
  release(exchange: Exchange): void {
    this.#idle.push(exchange);
    this.#slots.release();
  }
}
