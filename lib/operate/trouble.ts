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
  /** When each error was last told. */
  readonly #toldMs = new Map<string, number>();
  #sinceMs: number | undefined;
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
    const nowMs = this.#clock.now();
    this.#sinceMs ??= nowMs;
    const toldMs = this.#toldMs.get(error) ?? -Infinity;
    // A clock that is put back must not keep it quiet.
    if (Math.abs(nowMs - toldMs) < REMIND_MS) return;
    if (this.#toldMs.size >= MAX_ERRORS) this.#toldMs.clear();
    this.#toldMs.set(error, nowMs);
    this.#told = true;
    this.#log[level](`${this.#name} fails, retrying`, {
      error,
      since: new Date(this.#sinceMs).toISOString(),
      ...fields,
    });
  }

  /** It works (again). */
  worked(): void {
    if (this.#sinceMs === undefined) return;
    const seconds = Math.round((this.#clock.now() - this.#sinceMs) / 1_000);
    this.#sinceMs = undefined;
    if (!this.#told) return;
    this.#told = false;
    this.#log.info(`${this.#name} works again`, { after_seconds: seconds });
  }
}
