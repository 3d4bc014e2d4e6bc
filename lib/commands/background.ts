/**
 * What goes on beside a run.
 *
 * @module
 */

/**
 * Does something beside the rest, until disposed of.
 *
 * @param task Ends soon once its signal aborts
 */
export function inBackground(
  task: (stop: AbortSignal) => Promise<unknown>,
): AsyncDisposable {
  const ended = new AbortController();
  const done = task(ended.signal);
  // Told when it is disposed of; until then a failure must not be unhandled.
  done.catch(() => {});
  return {
    async [Symbol.asyncDispose]() {
      ended.abort();
      await done;
    },
  };
}
