/**
 * Trouble that lasts, told when it begins, now and then, and when it is over.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";

/** Trouble that goes on, or comes again, is mentioned again so often. */
const REMIND_MS = 60_000;
/** So many different texts are told apart; past that, some are told too often. */
const MAX_ERRORS = 100;

/** One thing that can be in trouble, such as a receiver. */
export class Trouble {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #name: string;
  /** When each error was last told, by `Clock.monotonic`. */
  readonly #toldMs = new Map<string, number>();
  #since: { readonly time: string; readonly ms: number } | undefined;
  /** Whether anybody knows of it. */
  #told = false;

  /** @param name What is in trouble, as the log calls it, e.g. `delivery` */
  constructor(name: string, options: { log: Logger; clock: Clock }) {
    this.#name = name;
    this.#log = options.log;
    this.#clock = options.clock;
  }

  /** An attempt failed and will be made again; as an error where somebody must act. */
  failed(
    error: string,
    fields: Record<string, unknown>,
    level: "warn" | "error" = "warn",
  ): void {
    const nowMs = this.#clock.monotonic();
    this.#since ??= {
      time: new Date(this.#clock.now()).toISOString(),
      ms: nowMs,
    };
    const toldMs = this.#toldMs.get(error) ?? -Infinity;
    if (nowMs - toldMs < REMIND_MS) return;
    if (this.#toldMs.size >= MAX_ERRORS) this.#toldMs.clear();
    this.#toldMs.set(error, nowMs);
    this.#told = true;
    this.#log[level](`${this.#name} fails, retrying`, {
      error,
      since: this.#since.time,
      ...fields,
    });
  }

  /** It works (again). */
  worked(): void {
    if (this.#since === undefined) return;
    const lastedMs = this.#clock.monotonic() - this.#since.ms;
    this.#since = undefined;
    if (!this.#told) return;
    this.#told = false;
    this.#log.info(`${this.#name} works again`, {
      after_seconds: Math.round(lastedMs / 1_000),
    });
  }
}
