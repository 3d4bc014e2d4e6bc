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
import { TeleportError } from "./errors.ts";
import type { ChunkEvents } from "./event_batches.ts";

/** Of several servers, one may take a cursor that another one does not. */
const MAX_REFUSALS = 3;

/** What reading a chunk needs of its surroundings. */
export interface ReadChunkOptions {
  readonly exportEvents: (
    request: ChunkRequest,
    signal: AbortSignal,
  ) => AsyncGenerator<ChunkEvents>;
  /** Whether the chunk is still on the list of its day. */
  readonly isListed: () => Promise<boolean>;
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  /** The stream broke, and is opened again behind the last event of it. */
  readonly onFailure: (failed: FailedAttempt) => void;
  /** The chunk is begun anew, since the server does not take its cursor. */
  readonly onCursorRefused: () => void;
}

/** The chunk is not found, and on no list any more: to wait for it may be in vain. */
export class ChunkGoneError extends Error {}

/**
 * Yields the events of a chunk behind the cursor. A stream that breaks is opened
 * again; each batch that comes ends the waiting for longer and longer. A cursor may
 * be of another release of the server, which refuses it: that is believed, once.
 *
 * @throws {ChunkGoneError}
 * @throws {GaveUpError} where the policy's time is up without another event
 * @throws `signal.reason` once aborted
 */
export async function* readChunk(
  { dayMs, chunk, cursor }: ChunkRequest,
  options: ReadChunkOptions,
  signal: AbortSignal,
): AsyncGenerator<ChunkEvents> {
  const { exportEvents, isListed, policy, clock, onFailure } = options;
  let stream: AsyncGenerator<ChunkEvents> | undefined;
  let refusals = 0;
  try {
    while (true) {
      const next = await retry(async () => {
        const isOpening = stream === undefined;
        stream ??= exportEvents({ dayMs, chunk, cursor }, signal);
        try {
          return await stream.next();
        } catch (error) {
          stream = undefined;
          if (!(error instanceof TeleportError)) throw error;
          if (error.status === "NOT_FOUND" && !await isListed()) {
            throw new ChunkGoneError();
          }
          const isRefused = isOpening && cursor !== "" &&
            error.status === "INVALID_ARGUMENT";
          if (isRefused && ++refusals === MAX_REFUSALS) {
            cursor = "";
            options.onCursorRefused();
          }
          throw error;
        }
      }, { policy, clock, signal, isFinal, onFailure });
      if (next.done) return;
      cursor = next.value.cursor;
      yield next.value;
    }
  } finally {
    await stream?.return(undefined);
  }
}

function isFinal(error: unknown): boolean {
  return error instanceof ChunkGoneError;
}
