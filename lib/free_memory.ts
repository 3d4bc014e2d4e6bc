/**
 * Memory outside of V8's heap, given back by hand.
 *
 * @module
 */

/**
 * Frees all of the memory that the bytes are in, unless threads share it. The
 * collector sees a small object, and may leave what it holds there for long.
 */
export function freeMemory({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}
