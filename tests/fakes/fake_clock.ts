/**
 * Time that passes only when a test says so.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type { Clock } from "../../lib/clock.ts";

const START_MS = Date.parse("2026-03-01T12:00:00Z");
const PATIENCE_MS = 60_000;

interface Sleeper {
  readonly wakesMs: number;
  readonly wake: () => void;
}

/** A clock whose sleepers wake when the test advances it. */
export class FakeClock implements Clock {
  /** How long each sleep was asked to last, in order. */
  readonly sleeps: number[] = [];
  readonly #sleepers = new Set<Sleeper>();
  #nowMs: number;

  constructor(nowMs: number = START_MS) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      this.sleeps.push(ms);
      const abort = () => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        wakesMs: this.#nowMs + Math.max(0, ms),
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener("abort", abort);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** How many sleep now. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Resolves once so many sleep; looks at every turn of the event loop. */
  async untilSleeping(count = 1): Promise<void> {
    await turnsUntil(`${count} to sleep`, () => this.#sleepers.size >= count);
  }

  /**
   * Lets so much time pass, with a turn of the event loop after each sleeper, so
   * that who wakes up may go to sleep again within that time.
   */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await turn();
    for (
      let next = this.#next();
      next !== undefined && next.wakesMs <= untilMs;
      next = this.#next()
    ) {
      this.#nowMs = Math.max(this.#nowMs, next.wakesMs);
      next.wake();
      await turn();
    }
    this.#nowMs = untilMs;
  }

  /** Moves on from sleeper to sleeper until the promise settles, as it does. */
  async runUntil<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const settle = () => {
      settled = true;
    };
    promise.then(settle, settle);
    await turn();
    await turnsUntil("a promise to settle", () => {
      if (settled) return true;
      const next = this.#next();
      if (next !== undefined) {
        this.#nowMs = Math.max(this.#nowMs, next.wakesMs);
        next.wake();
      }
      return false;
    });
    return await promise;
  }

  /** Whose time comes first; of several, who has slept longest. */
  #next(): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (first === undefined || sleeper.wakesMs < first.wakesMs) {
        first = sleeper;
      }
    }
    return first;
  }
}

/**
 * Resolves once `condition` holds, and looks at every turn of the event loop.
 * Rejects after a minute, with what was waited for.
 */
export async function turnsUntil(
  what: string,
  condition: () => boolean,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > deadline) {
      throw new Error(`Waited ${PATIENCE_MS} ms in vain for ${what}`);
    }
    await turn();
  }
}

/** One turn of the event loop: what could go on without waiting has done so. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
