/**
 * Names of event types, of which a log has few: part of the hot path.
 *
 * @module
 */

// Bytes are read within bounds that were checked, hence the `!`.
// deno-lint-ignore-file no-non-null-assertion

import type { Buffer } from "node:buffer";

/** A power of two. */
const PLACES = 256;
/** Longer ones are not kept: whoever sends them has many. */
const MAX_BYTES = 64;

interface Name {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** By place; the last name that was read there. */
const names: (Name | undefined)[] = Array(PLACES).fill(undefined);

/**
 * The text between two places of a message. One that was read before is not
 * decoded again, and is the very same string.
 */
export function readName(message: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length === 0 || length > MAX_BYTES) {
    return message.toString("utf8", start, end);
  }
  const place = placeOf(message, start, end);
  const known = names[place];
  if (known !== undefined && isAt(known.bytes, message, start, length)) {
    return known.text;
  }
  const text = message.toString("utf8", start, end);
  names[place] = { bytes: Uint8Array.from(message.subarray(start, end)), text };
  return text;
}

function placeOf(message: Buffer, start: number, end: number): number {
  const middle = (start + end) >> 1;
  const sum = message[end - 1]! + 3 * message[middle]! + 7 * (end - start);
  return sum & (PLACES - 1);
}

function isAt(
  bytes: Uint8Array,
  message: Buffer,
  start: number,
  length: number,
): boolean {
  if (bytes.length !== length) return false;
  for (let i = 0; i < length; i++) {
    if (bytes[i] !== message[start + i]) return false;
  }
  return true;
}
