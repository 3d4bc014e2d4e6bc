/**
 * SIGINT and SIGTERM: the first one ends reading, a second one, or time, the rest.
 *
 * @module
 */

import type { Signals } from "../pipeline/forward.ts";

/** What is in flight when the program is told to stop has so long to arrive. */
const GRACE_MS = 30_000;

/** Exit status of a program that a signal ended: 128 and its number. */
const STATUS = { SIGINT: 130, SIGTERM: 143 } as const;

/** The program was stopped by a signal. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";
  readonly signal: keyof typeof STATUS;
  /** Exit status where what was begun did not come to its end. */
  readonly status: number;

  /** @param consequence What was not done; by default, what that means for a run */
  constructor(
    signal: keyof typeof STATUS,
    consequence = "before everything in flight was delivered",
  ) {
    super(`stopped by ${signal} ${consequence}`);
    this.signal = signal;
    this.status = STATUS[signal];
  }
}

/** Listens until disposed of. */
export function listenForSignals(): Signals & Disposable {
  const stop = new AbortController();
  const kill = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const listeners = (["SIGINT", "SIGTERM"] as const).map((signal) => {
    const listener = () => {
      const reason = new StoppedError(signal);
      if (stop.signal.aborted) return kill.abort(reason);
      timer = setTimeout(() => kill.abort(reason), GRACE_MS);
      stop.abort(reason);
    };
    Deno.addSignalListener(signal, listener);
    return () => Deno.removeSignalListener(signal, listener);
  });
  return {
    stop: stop.signal,
    kill: kill.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      for (const remove of listeners) remove();
    },
  };
}
