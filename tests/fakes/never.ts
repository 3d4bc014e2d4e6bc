/**
 * What does not happen.
 *
 * @module
 */

/** A signal that does not abort. */
export function never(): AbortSignal {
  return new AbortController().signal;
}

/** Does not resolve; rejects with the signal's reason once that aborts. */
export function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
  });
}
