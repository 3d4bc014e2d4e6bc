/**
 * One process per state directory.
 *
 * @module
 */

import { join } from "node:path";
import { describe } from "../errors.ts";
import { giveToOwner } from "./atomic_write.ts";
import { StateError } from "./document.ts";
import { FILE_MODE } from "./owner_only.ts";

/** Holds the directory until it is disposed of, or the process ends, however it does. */
export class DirectoryLock implements Disposable {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Takes the directory. A file that is made for it belongs to the directory's owner:
   * root may work on what belongs to the program's own user.
   *
   * @throws {StateError} naming the process that holds it, or why it cannot be taken
   */
  static async acquire(
    directory: string,
    nowMs: number,
  ): Promise<DirectoryLock> {
    const path = lockPath(directory);
    let file: Deno.FsFile | undefined;
    try {
      file = await Deno.open(path, {
        read: true,
        write: true,
        create: true,
        mode: FILE_MODE,
      });
      if (!await file.tryLock(true)) {
        throw await inUse(directory);
      }
      // Whoever has held it before, as whom, has left a line.
      if ((await file.stat()).size === 0) {
        await giveToOwner(path, directory).catch(() => {});
      }
      const since = new Date(nowMs).toISOString();
      const holder = JSON.stringify({ pid: Deno.pid, since }) + "\n";
      await file.truncate();
      await file.write(new TextEncoder().encode(holder));
      return new DirectoryLock(file);
    } catch (error) {
      file?.close();
      throw toStateError(error, directory);
    }
  }

  /**
   * Looks whether `acquire` would get the directory, and leaves it as it is: a
   * file made here would belong to whoever looks.
   *
   * @throws {StateError} as `acquire`
   */
  static async probe(directory: string): Promise<void> {
    try {
      using file = await Deno.open(lockPath(directory), {
        read: true,
        write: true,
      });
      if (!await file.tryLock(true)) throw await inUse(directory);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw toStateError(error, directory);
    }
  }

  /** Releases the directory. The file stays: removing it would race with the next process. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function lockPath(directory: string): string {
  return join(directory, "lock");
}

async function inUse(directory: string): Promise<StateError> {
  const holder = await readHolder(lockPath(directory));
  return new StateError(
    `the state directory ${directory} is in use by ${holder}: ` +
      "stop that process first, or give this one another storage",
  );
}

function toStateError(error: unknown, directory: string): StateError {
  if (error instanceof StateError) return error;
  return new StateError(
    `cannot lock the state directory ${directory}: ${describe(error)}`,
    { cause: error },
  );
}

async function readHolder(path: string): Promise<string> {
  try {
    const { pid, since } = JSON.parse(await Deno.readTextFile(path));
    return `process ${pid} since ${since}`;
  } catch {
    return "another process";
  }
}
