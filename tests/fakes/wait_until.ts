/**
 * Waiting for what only shows by looking again.
 *
 * @module
 */

const INTERVAL_MS = 20;
const STILL_MS = 100;

/**
 * Resolves once `condition` holds, and looks every 20 ms. Rejects after
 * `timeoutMs` (default 30 s) with an error that says what was waited for.
 */
export async function waitUntil(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { timeoutMs = 30_000 }: { readonly timeoutMs?: number } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!await condition()) {
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`);
    }
    await pause(INTERVAL_MS);
  }
}

/** Resolves once `count` has been the same for 100 ms: whoever counts is held up. */
export async function waitUntilStill(
  what: string,
  count: () => number,
): Promise<void> {
  await waitUntil(what, async () => {
    const before = count();
    await pause(STILL_MS);
    return count() === before;
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
