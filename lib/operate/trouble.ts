/**
 * Trouble that lasts, told when it begins, now and then, and when it is over.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";

/** Trouble that goes on is mentioned again so often. */
const REMIND_MS = 60_000;

/** One thing that can be in trouble, such as a receiver. */
export class Trouble {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #name: string;
  #sinceMs: number | undefined;
  #toldMs = 0;
  #lastError = "";

  /** @param name What is in trouble, as the log calls it, e.g. `delivery` */
  constructor(name: string, options: { log: Logger; clock: Clock }) {
    this.#name = name;
    this.#log = options.log;
    this.#clock = options.clock;
  }

  /** An attempt failed and will be made again. */
  failed(error: string, fields: Record<string, unknown>): void {
    const nowMs = this.#clock.now();
    this.#sinceMs ??= nowMs;
    if (error === this.#lastError && nowMs - this.#toldMs < REMIND_MS) return;
    this.#lastError = error;
    this.#toldMs = nowMs;
    this.#log.warn(`${this.#name} fails, retrying`, {
      error,
      since: new Date(this.#sinceMs).toISOString(),
      ...fields,
    });
  }

  /** It works (again). */
  worked(): void {
    if (this.#sinceMs === undefined) return;
    const seconds = Math.round((this.#clock.now() - this.#sinceMs) / 1_000);
    this.#log.info(`${this.#name} works again`, { after_seconds: seconds });
    this.#sinceMs = undefined;
    this.#lastError = "";
  }
}
