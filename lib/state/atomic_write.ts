/**
 * Files that are either what they were or what they are to be, whenever the
 * machine stops.
 *
 * @module
 */

import { dirname } from "node:path";
import { writeAll } from "../write_all.ts";
import { FILE_MODE } from "./owner_only.ts";

const TEMPORARY = ".tmp";

/** Whether a file of this name is one that is not whole yet, or that a crash left. */
export function isTemporary(name: string): boolean {
  return name.endsWith(TEMPORARY);
}

/**
 * Replaces a file: writes a temporary one beside it, syncs it, renames it, and
 * syncs the directory, after which the change outlives a crash of the machine.
 * Where that fails, the file stays, and nothing is left beside it. It stays its
 * owner's: root may work on what belongs to the program's own user.
 *
 * @param blocks What is to be in it; they may be read from the very file
 */
export async function replaceAtomically(
  path: string,
  blocks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = path + TEMPORARY;
  const opened = await Deno.open(temporary, {
    write: true,
    create: true,
    truncate: true,
    mode: FILE_MODE,
  });
  try {
    {
      using file = opened;
      await makePrivate(temporary);
      await giveToOwner(temporary, path);
      for await (const block of blocks) await writeAll(file, block);
      await file.sync();
    }
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
  await syncDirectory(dirname(path));
}

/**
 * One that a crash has left may have another mode. Where a volume has the mode and
 * the owner that it was mounted with, as with SMB, nobody but that owner may ask.
 */
async function makePrivate(path: string): Promise<void> {
  try {
    await Deno.chmod(path, FILE_MODE);
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
  }
}

/**
 * Gives a file to the owner of another one. Where nobody owns that, or we may give
 * nothing away, it is ours.
 */
export async function giveToOwner(path: string, owned: string): Promise<void> {
  try {
    const { uid, gid } = await Deno.stat(owned);
    if (uid !== (await Deno.stat(path)).uid) await Deno.chown(path, uid, gid);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    if (error instanceof Deno.errors.PermissionDenied) return;
    throw error;
  }
}

/** Makes created, renamed and removed names in a directory outlive a crash. */
export async function syncDirectory(path: string): Promise<void> {
  using directory = await Deno.open(path);
  await directory.sync();
}
