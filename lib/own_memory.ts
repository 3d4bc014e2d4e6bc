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

/** What was given back; a page of the audit log is large, and the next one as well. */
const spare: ArrayBuffer[] = [];
const MAX_SPARE = 4;
const SMALLEST_SPARE = 64 * 1024;
const LARGEST_SPARE = 2 * 1024 * 1024;
/** No more is wasted than three times what is used. */
const MAX_WASTE = 4;

/** So many bytes, with whatever was in them, and nothing else in their memory. */
export function takeMemory(bytes: number): Buffer {
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
  const isOfUse = owned.delete(buffer) && spare.length < MAX_SPARE &&
    byteLength >= SMALLEST_SPARE && byteLength <= LARGEST_SPARE;
  // The same memory, which nobody else has.
  if (isOfUse) spare.push(buffer.transfer());
  else buffer.transfer(0);
}

/** Frees the memory of bytes that were not taken here, where they are alone in it. */
export function freeIfAlone(bytes: Uint8Array): void {
  if (bytes.buffer.byteLength === bytes.length) freeMemory(bytes);
}

function takeSpare(bytes: number): ArrayBuffer | undefined {
  const place = spare.findIndex(({ byteLength }) =>
    byteLength >= bytes && byteLength <= bytes * MAX_WASTE
  );
  return place < 0 ? undefined : spare.splice(place, 1)[0];
}

/** Pages differ a little in size. */
function roomFor(bytes: number): number {
  return bytes < SMALLEST_SPARE
    ? bytes
    : Math.ceil(bytes / SMALLEST_SPARE) * SMALLEST_SPARE;
}
