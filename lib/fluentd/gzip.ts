/**
 * Request bodies, compressed.
 *
 * @module
 */

import { gzipSync } from "node:zlib";

/** The bytes as one gzip member (RFC 1952). */
export function gzip(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(bytes));
}
