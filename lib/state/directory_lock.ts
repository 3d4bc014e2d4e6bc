/**
 * One process per state directory.
 *
 * @module
 */

import { join } from "node:path";
import { describe } from "../errors.ts";
import { StateError } from "./document.ts";

/** Holds the directory until it is disposed of, or the process ends, however it does. */
export class DirectoryLock implements Disposable {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Takes the directory.
   *
   * @throws {StateError} naming the process that holds it, or why it cannot be taken
   */
  static async acquire(
    directory: string,
    nowMs: number,
  ): Promise<DirectoryLock> {
    const path = join(directory, "lock");
    let file: Deno.FsFile | undefined;
    try {
      file = await Deno.open(path, {
        read: true,
        write: true,
        create: true,
        mode: 0o600,
      });
      if (!await file.tryLock(true)) {
        throw new StateError(
          `the state directory ${directory} is in use by ${await readHolder(
            path,
          )}: stop that process first, or give this one another storage`,
        );
      }
      const since = new Date(nowMs).toISOString();
      const holder = JSON.stringify({ pid: Deno.pid, since }) + "\n";
      await file.truncate();
      await file.write(new TextEncoder().encode(holder));
      return new DirectoryLock(file);
    } catch (error) {
      file?.close();
      if (error instanceof StateError) throw error;
      throw new StateError(
        `cannot lock the state directory ${directory}: ${describe(error)}`,
        { cause: error },
      );
    }
  }

  /** Releases the directory. The file stays: removing it would race with the next process. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

async function readHolder(path: string): Promise<string> {
  try {
    const { pid, since } = JSON.parse(await Deno.readTextFile(path));
    return `process ${pid} since ${since}`;
  } catch {
    return "another process";
  }
}
