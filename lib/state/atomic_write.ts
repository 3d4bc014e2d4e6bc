/**
 * Files that are either what they were or what they are to be, whenever the
 * machine stops.
 *
 * @module
 */

import { dirname } from "node:path";

/**
 * Replaces a file: writes a temporary one beside it, syncs it, renames it, and
 * syncs the directory, after which the change outlives a crash of the machine.
 *
 * @param mode Permission bits of the new file
 */
export async function writeAtomically(
  path: string,
  content: string | Uint8Array,
  mode: number,
): Promise<void> {
  const temporary = `${path}.tmp`;
  const bytes = typeof content === "string"
    ? new TextEncoder().encode(content)
    : content;
  {
    using file = await Deno.open(temporary, {
      write: true,
      create: true,
      truncate: true,
      mode,
    });
    // One that a crash has left may have others.
    await Deno.chmod(temporary, mode);
    for (let written = 0; written < bytes.length;) {
      written += await file.write(bytes.subarray(written));
    }
    await file.sync();
  }
  await Deno.rename(temporary, path);
  await syncDirectory(dirname(path));
}

/** Makes created, renamed and removed names in a directory outlive a crash. */
export async function syncDirectory(path: string): Promise<void> {
  using directory = await Deno.open(path);
  await directory.sync();
}
