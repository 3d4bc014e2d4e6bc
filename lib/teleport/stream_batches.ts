/**
 * A stream of messages in batches: one step of an async iteration costs more
 * than a message does.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { Readable } from "node:stream";
import { setImmediate } from "node:timers";
import type { Collector } from "./event_batches.ts";

/** How much is held until somebody asks for it, and how. */
export interface BatchOptions<Batch> {
  readonly maxItems: number;
  /** One message may exceed it. */
  readonly maxBytes: number;
  /** Begins a batch. */
  readonly begin: () => Collector<Batch>;
}

/**
 * Yields what has arrived since the last time, at least one message. While nobody
 * asks and a batch is full, the stream is paused, which is the back-pressure.
 *
 * Ends when the stream does; throws its error, or that of a message that cannot be
 * taken, once everything that arrived before is yielded. Who leaves early has to
 * end the stream.
 */
export async function* batchesOf<Batch>(
  stream: Readable,
  { maxItems, maxBytes, begin }: BatchOptions<Batch>,
): AsyncGenerator<Batch> {
  let collector = begin();
  let over: { readonly error?: unknown } | undefined;
  let arrived = Promise.withResolvers<void>();
  const end = (how: { readonly error?: unknown }) => {
    over ??= how;
    arrived.resolve();
  };
  stream.on("data", (message: Buffer) => {
    if (over !== undefined) return;
    try {
      collector.add(message);
    } catch (error) {
      return end({ error });
    }
    if (collector.count >= maxItems || collector.bytes >= maxBytes) {
      stream.pause();
    }
    arrived.resolve();
  });
  stream.on("end", () => end({}));
  // Stays: a stream that is ended early says so as an error.
  stream.on("error", (error) => end({ error }));
  while (true) {
    await arrived.promise;
    if (over === undefined) await turn();
    if (collector.count > 0) {
      const batch = collector.batch();
      collector = begin();
      if (over === undefined) arrived = Promise.withResolvers();
      stream.resume();
      yield batch;
    } else if (over !== undefined) {
      if ("error" in over) throw over.error;
      return;
    } else {
      arrived = Promise.withResolvers();
    }
  }
}

/** What has come over the wire together makes one batch. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
