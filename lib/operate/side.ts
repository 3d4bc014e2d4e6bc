/**
 * Whether one of the two ends answers.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Errand, SideReport } from "./status_report.ts";

/** One end, by its last answers. */
export class Side {
  readonly #clock: Clock;
  readonly #address: string;
  /** One may fail while the other one works: they may lead to different hosts. */
  readonly #failing = new Map<Errand, { sinceMs: number; error: string }>();
  /** Since when nothing fails; of a side that was not asked yet, since the start. */
  #sinceMs: number;
  #asked = false;

  constructor(address: string, clock: Clock) {
    this.#address = address;
    this.#clock = clock;
    this.#sinceMs = clock.now();
  }

  /**
   * It did what it was asked to, or said for good that it will not.
   *
   * @returns Whether it had failed to before
   */
  answered(what: Errand): boolean {
    const failed = this.#failing.delete(what);
    if (!this.#asked || (failed && this.#failing.size === 0)) {
      this.#sinceMs = this.#clock.now();
    }
    this.#asked = true;
    return failed;
  }

  /** It did not, and will be asked again. */
  failed(what: Errand, error: string): void {
    this.#asked = true;
    const known = this.#failing.get(what);
    if (known === undefined) {
      this.#failing.set(what, { sinceMs: this.#clock.now(), error });
    } else known.error = error;
  }

  /** As it is now; what fails longest is told. */
  report(): SideReport {
    const [first] = this.#failing.values();
    return {
      address: this.#address,
      ok: this.#asked ? first === undefined : null,
      failing: [...this.#failing.keys()],
      since: new Date(first?.sinceMs ?? this.#sinceMs).toISOString(),
      error: first?.error ?? null,
    };
  }
}
