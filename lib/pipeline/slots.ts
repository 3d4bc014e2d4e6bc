/**
 * A counting semaphore.
 *
 * @module
 */

/** So many may hold a slot at the same time; the others wait in line. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Whether who asks for a slot has to wait. */
  get isFull(): boolean {
    return this.#free <= 0;
  }

  /** Takes a slot, at once, even where none is free: for what cannot wait. */
  take(): void {
    this.#free--;
  }

  /** Resolves with a slot taken; rejects with `signal.reason` once aborted. */
  acquire(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        reject(signal.reason);
      };
      const take = () => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      this.#waiting.push(take);
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** Gives a slot back, to the first in line. */
  release(): void {
    this.#free++;
    if (this.#free <= 0) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#free--;
    next();
  }
}
