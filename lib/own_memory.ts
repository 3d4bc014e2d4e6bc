/**
 * Memory outside of V8's heap, given back by hand, and used again: the collector
 * sees a small object, and may leave what it holds there for long, and memory that
 * is new to the process has to be cleared, page by page.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** Of what was given out here, and not given back, how many bytes are in use. */
const owned = new WeakMap<ArrayBufferLike, number>();

/** What was given back: what comes next is as large, a page, messages, or a body. */
const spare: ArrayBuffer[] = [];
let spareBytes = 0;
const MAX_SPARE_BYTES = 4 * 1024 * 1024;
/** Sizes are multiples of it, since pages and frames differ a little. */
const STEP_BYTES = 16 * 1024;
/** No more is wasted than three times what is used. */
const MAX_WASTE = 4;

/** So many bytes, with whatever was in them, and nothing else in their memory. */
export function takeMemory(bytes: number): Buffer<ArrayBuffer> {
  const memory = takeSpare(bytes) ?? new ArrayBuffer(roomFor(bytes));
  owned.set(memory, bytes);
  return Buffer.from(memory, 0, bytes);
}

/** Whether the bytes are in memory that was taken here, and not freed. */
export function isOwnMemory({ buffer }: Uint8Array): boolean {
  return owned.has(buffer);
}

/** Whether the bytes are such memory, or the last ones of it. */
export function endsOwnMemory(bytes: Uint8Array): boolean {
  return owned.get(bytes.buffer) === bytes.byteOffset + bytes.length;
}

/**
 * Frees all of the memory that the bytes are in, unless threads share it. Whatever
 * else looks at it has no bytes from then on.
 */
export function freeMemory({ buffer }: Uint8Array): void {
  if (!(buffer instanceof ArrayBuffer) || buffer.detached) return;
  const { byteLength } = buffer;
  const isOfUse = owned.delete(buffer) && byteLength >= STEP_BYTES &&
    spareBytes + byteLength <= MAX_SPARE_BYTES;
  // The same memory, which nobody else has.
  const memory = buffer.transfer(isOfUse ? byteLength : 0);
  if (!isOfUse) return;
  spare.push(memory);
  spareBytes += byteLength;
}

/** Frees the memory of bytes that were not taken here, where they are alone in it. */
export function freeIfAlone(bytes: Uint8Array): void {
  if (bytes.buffer.byteLength === bytes.length) freeMemory(bytes);
}

function takeSpare(bytes: number): ArrayBuffer | undefined {
  const place = spare.findIndex(({ byteLength }) =>
    byteLength >= bytes && byteLength <= bytes * MAX_WASTE
  );
  if (place < 0) return undefined;
  const [memory] = spare.splice(place, 1);
  spareBytes -= memory?.byteLength ?? 0;
  return memory;
}

function roomFor(bytes: number): number {
  return bytes < STEP_BYTES / MAX_WASTE
    ? bytes
    : Math.ceil(bytes / STEP_BYTES) * STEP_BYTES;
}
