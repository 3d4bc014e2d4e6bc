/**
 * What the Go program of the same name keeps on disk.
 *
 * @module
 */

/** An index as it is in a `session<id>` file: 8 bytes, big-endian. */
export function goIndex(index: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(index));
  return bytes;
}
