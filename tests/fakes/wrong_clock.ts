/**
 * Time that is told wrong.
 *
 * @module
 */

import { FakeClock } from "./fake_clock.ts";

/** Goes right, and tells another time. */
export class WrongClock extends FakeClock {
  aheadMs = 0;

  override now(): number {
    return super.now() + this.aheadMs;
  }
}
