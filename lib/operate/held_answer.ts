/**
 * An answer that is costly to make is made now and then, however often somebody
 * asks: who looks must not slow down what is looked at.
 *
 * @module
 */

import type { Clock } from "../clock.ts";

/** An answer of so long ago is as good as a new one. */
const HOLD_MS = 100;

/** The same, made anew ten times a second at most. */
export function holdAnswer<T>(
  make: () => T,
  clock: Pick<Clock, "monotonic">,
): () => T {
  let held: { readonly answer: T; readonly madeMs: number } | undefined;
  return () => {
    const nowMs = clock.monotonic();
    if (held === undefined || nowMs - held.madeMs >= HOLD_MS) {
      held = { answer: make(), madeMs: nowMs };
    }
    return held.answer;
  };
}
