/**
 * Many things that wait, each for a time of its own, with one timer for all.
 *
 * @module
 */

import type { Clock } from "../clock.ts";

/** What alarms need of their surroundings. */
export interface AlarmsOptions {
  readonly clock: Clock;
  /** Ends all waiting: nothing rings any more. */
  readonly stop: AbortSignal;
  /** The time of it has come. */
  readonly ring: (name: string) => void;
}

/** Names that wait for their time. */
export class Alarms {
  readonly #options: AlarmsOptions;
  /** When each rings, by `Clock.monotonic`. */
  readonly #times = new Map<string, number>();
  /** What is slept for: the first of them, or one that rings no more. */
  #next = { ms: Infinity, timer: new AbortController() };

  constructor(options: AlarmsOptions) {
    this.#options = options;
  }

  /** How many wait. */
  get size(): number {
    return this.#times.size;
  }

  has(name: string): boolean {
    return this.#times.has(name);
  }

  /** Has it ring in so many milliseconds. */
  set(name: string, waitMs: number): void {
    const ms = this.#options.clock.monotonic() + waitMs;
    this.#times.set(name, ms);
    if (ms < this.#next.ms) this.#sleepUntil(ms);
  }

  /** It rings no more. @returns Whether it waited */
  delete(name: string): boolean {
    return this.#times.delete(name);
  }

  #sleepUntil(ms: number): void {
    const { clock, stop } = this.#options;
    this.#next.timer.abort();
    const timer = new AbortController();
    this.#next = { ms, timer };
    const signal = AbortSignal.any([stop, timer.signal]);
    clock.sleep(Math.max(0, ms - clock.monotonic()), signal).then(
      () => this.#ring(),
      () => {/* stopped, or another timer is earlier */},
    );
  }

  /** Rings what is due, and sleeps until the first of the others. */
  #ring(): void {
    const nowMs = this.#options.clock.monotonic();
    this.#next.ms = Infinity;
    let firstMs = Infinity;
    const due: string[] = [];
    for (const [name, ms] of this.#times) {
      if (ms <= nowMs) due.push(name);
      else firstMs = Math.min(firstMs, ms);
    }
    for (const name of due) this.#times.delete(name);
    if (firstMs < Infinity) this.#sleepUntil(firstMs);
    for (const name of due) this.#options.ring(name);
  }
}
