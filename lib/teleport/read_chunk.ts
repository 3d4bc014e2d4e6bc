/**
 * One chunk of the audit log, from a cursor to its end, whatever happens on the
 * way.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import {
  type FailedAttempt,
  retry,
  type RetryPolicy,
} from "../pipeline/retry.ts";
import type { ChunkRequest } from "./client.ts";
import type { ChunkEvents } from "./event_batches.ts";

/** What reading a chunk needs of its surroundings. */
export interface ReadChunkOptions {
  readonly exportEvents: (
    request: ChunkRequest,
    signal: AbortSignal,
  ) => AsyncGenerator<ChunkEvents>;
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  /** The stream broke, and is opened again behind the last event of it. */
  readonly onFailure: (failed: FailedAttempt) => void;
}

/**
 * Yields the events of a chunk behind the cursor. A stream that breaks is opened
 * again; each batch that comes ends the waiting for longer and longer.
 *
 * @throws {GaveUpError} where the policy's time is up without another event
 * @throws `signal.reason` once aborted
 */
export async function* readChunk(
  { dayMs, chunk, cursor }: ChunkRequest,
  options: ReadChunkOptions,
  signal: AbortSignal,
): AsyncGenerator<ChunkEvents> {
  const { exportEvents, policy, clock, onFailure } = options;
  let stream: AsyncGenerator<ChunkEvents> | undefined;
  try {
    while (true) {
      const next = await retry(async () => {
        stream ??= exportEvents({ dayMs, chunk, cursor }, signal);
        try {
          return await stream.next();
        } catch (error) {
          stream = undefined;
          throw error;
        }
      }, { policy, clock, signal, isFinal: () => false, onFailure });
      if (next.done) return;
      cursor = next.value.cursor;
      yield next.value;
    }
  } finally {
    await stream?.return(undefined);
  }
}
