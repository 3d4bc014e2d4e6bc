/**
 * Writing to files.
 *
 * @module
 */

/** Writes all of the bytes, which may take more than one write. */
export async function writeAll(
  file: Deno.FsFile,
  bytes: Uint8Array,
): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
}
