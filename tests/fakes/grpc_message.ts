/**
 * Messages of gRPC as they go over the wire, in pieces of any size.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Random } from "./random.ts";

/** Whether a message is compressed, and its length. */
export const HEADER_BYTES = 5;
/** Of pieces that are cut at random. */
const MAX_PIECE_BYTES = 40;

/** A message that is not compressed. */
export function grpcMessage(content: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(content.length, 1);
  return Buffer.concat([header, content]);
}

/** The bytes in pieces, each in memory of its own. */
export function cutAtRandom(bytes: Uint8Array, random: Random): Buffer[] {
  const pieces: Buffer[] = [];
  for (let from = 0; from < bytes.length;) {
    const to = from + 1 + random.below(MAX_PIECE_BYTES);
    pieces.push(Buffer.from(bytes.slice(from, to)));
    from = to;
  }
  return pieces;
}
