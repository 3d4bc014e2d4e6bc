/**
 * Files of lines that may be larger than memory, or than a string can be.
 *
 * @module
 */

import { Buffer } from "node:buffer";

const NEWLINE = 0x0a;
const CHUNK_BYTES = 64 * 1024;

/**
 * Yields the lines of a file, each with its line end. What follows the last line
 * end was cut off by a crash, and counts as unwritten. No more is held than one
 * line and one chunk.
 */
export async function* readLines(
  path: string,
  { chunkBytes = CHUNK_BYTES }: { chunkBytes?: number } = {},
): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  const chunk = new Uint8Array(chunkBytes);
  /** Of the line that has begun. */
  let parts: Uint8Array[] = [];
  for (
    let bytes = await file.read(chunk);
    bytes !== null;
    bytes = await file.read(chunk)
  ) {
    const read = chunk.subarray(0, bytes);
    let start = 0;
    for (
      let end = read.indexOf(NEWLINE);
      end !== -1;
      end = read.indexOf(NEWLINE, start)
    ) {
      yield Buffer.concat([...parts, read.subarray(start, end + 1)]);
      parts = [];
      start = end + 1;
    }
    if (start < bytes) parts.push(read.slice(start));
  }
}
