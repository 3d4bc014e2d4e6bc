/**
 * Something has changed in the directories of some files.
 *
 * @module
 */

import { dirname } from "node:path";

/**
 * Watches directories rather than files: a file that is replaced is another one,
 * and a mounted Kubernetes secret changes by a symbolic link beside the file.
 * Where watching is not possible, nothing is ever noticed.
 */
export class DirectoryChanges implements AsyncDisposable {
  readonly #watchers: Deno.FsWatcher[] = [];
  readonly #ended: Promise<void>[] = [];
  #next = new AbortController();

  /** @param paths Of the files, which need not be there */
  static async of(paths: readonly string[]): Promise<DirectoryChanges> {
    const directories = new Set<string>();
    for (const path of paths) {
      directories.add(dirname(path));
      try {
        directories.add(dirname(await Deno.realPath(path)));
      } catch {
        // It is not there yet.
      }
    }
    return new DirectoryChanges(directories);
  }

  private constructor(directories: Iterable<string>) {
    for (const directory of directories) {
      try {
        const watcher = Deno.watchFs(directory, { recursive: false });
        this.#watchers.push(watcher);
        this.#ended.push(this.#listen(watcher));
      } catch {
        // Not there, or more than the system lets us watch.
      }
    }
  }

  /** A signal that aborts at the next change from now on. */
  next(): AbortSignal {
    if (this.#next.signal.aborted) this.#next = new AbortController();
    return this.#next.signal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const watcher of this.#watchers) watcher.close();
    await Promise.all(this.#ended);
  }

  async #listen(watcher: Deno.FsWatcher): Promise<void> {
    for await (const { kind } of watcher) {
      // Our own reading is no change.
      if (kind !== "access") this.#next.abort(new Error("a file has changed"));
    }
  }
}
