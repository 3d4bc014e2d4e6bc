/**
 * A stream of messages in batches: one step of an async iteration costs more
 * than a message does.
 *
 * @module
 */

import type { Readable } from "node:stream";
import { setImmediate } from "node:timers";

/** How much is held until somebody asks for it. */
export interface BatchLimits<Item> {
  readonly maxItems: number;
  /** One item may exceed it. */
  readonly maxBytes: number;
  readonly sizeOf: (item: Item) => number;
}

/**
 * Yields what has arrived since the last time, at least one item. While nobody
 * asks and a batch is full, the stream is paused, which is the back-pressure.
 *
 * Ends when the stream does; throws its error once everything that arrived
 * before is yielded. Who leaves early has to end the stream.
 */
export async function* batchesOf<Item>(
  stream: Readable,
  { maxItems, maxBytes, sizeOf }: BatchLimits<Item>,
): AsyncGenerator<Item[]> {
  let items: Item[] = [];
  let bytes = 0;
  let over: { readonly error?: unknown } | undefined;
  let arrived = Promise.withResolvers<void>();
  const end = (how: { readonly error?: unknown }) => {
    over ??= how;
    arrived.resolve();
  };
  stream.on("data", (item: Item) => {
    items.push(item);
    bytes += sizeOf(item);
    if (items.length >= maxItems || bytes >= maxBytes) stream.pause();
    arrived.resolve();
  });
  stream.on("end", () => end({}));
  // Stays: a stream that is ended early says so as an error.
  stream.on("error", (error) => end({ error }));
  while (true) {
    await arrived.promise;
    if (over === undefined) await turn();
    if (items.length > 0) {
      const batch = items;
      items = [];
      bytes = 0;
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
