/**
 * A set of files that comes to be as a whole or not at all.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { syncDirectory } from "../state/atomic_write.ts";
import { writeAll } from "../write_all.ts";

/** Readable by the owner alone: among them are private keys. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** One file to write. */
export interface NewFile {
  /** Within the directory. */
  readonly name: string;
  readonly text: string;
}

/** Those of the names that exist in the directory, as whatever kind of thing. */
export function existingNames(
  directory: string,
  names: readonly string[],
): string[] {
  return names.filter((name) => exists(join(directory, name)));
}

/**
 * Writes all files, or none. Each is complete on disk under another name before
 * the first one gets its own, and after a failure everything is as it was. A
 * directory that is not there is made, for the owner alone.
 *
 * @param options `replace`: names of files that are overwritten; any other that
 * exists is an error
 * @throws {Deno.errors.AlreadyExists} and whatever else the system says
 */
export async function writeFiles(
  directory: string,
  files: readonly NewFile[],
  { replace }: { readonly replace: readonly string[] },
): Promise<void> {
  const made: string[] = [];
  try {
    await makeDirectories(directory, made);
    const staging = await Deno.makeTempDir({
      dir: directory,
      prefix: ".configure_",
    });
    try {
      await stageAll(staging, files);
      await placeAll({ staging, directory, files, replace });
    } finally {
      await Deno.remove(staging, { recursive: true });
    }
    await syncDirectory(directory);
  } catch (error) {
    for (const path of made.reverse()) await removeIfEmpty(path);
    throw error;
  }
}

/** @param made Gets each directory that was not there, outermost first */
async function makeDirectories(path: string, made: string[]): Promise<void> {
  if (exists(path)) return;
  await makeDirectories(dirname(path), made);
  await Deno.mkdir(path, { mode: DIRECTORY_MODE });
  made.push(path);
}

async function stageAll(
  staging: string,
  files: readonly NewFile[],
): Promise<void> {
  for (const [i, { text }] of files.entries()) {
    const path = join(staging, `${i}`);
    const options = { write: true, createNew: true, mode: FILE_MODE };
    using file = await Deno.open(path, options);
    await writeAll(file, new TextEncoder().encode(text));
    await file.sync();
  }
}

async function placeAll({ staging, directory, files, replace }: {
  readonly staging: string;
  readonly directory: string;
  readonly files: readonly NewFile[];
  readonly replace: readonly string[];
}): Promise<void> {
  const undo: (() => Promise<void>)[] = [];
  try {
    for (const [i, { name }] of files.entries()) {
      const from = join(staging, `${i}`);
      const to = join(directory, name);
      if (replace.includes(name)) {
        const backup = `${from}.old`;
        await Deno.link(to, backup);
        await Deno.rename(from, to);
        undo.push(() => Deno.rename(backup, to));
      } else {
        // Unlike a rename, a link never replaces what somebody made meanwhile.
        await Deno.link(from, to);
        undo.push(() => Deno.remove(to));
      }
    }
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Somebody else may have put something into it. */
async function removeIfEmpty(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch {
    // The failure that led here is the one to tell.
  }
}
