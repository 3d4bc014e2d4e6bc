/**
 * Something has changed in the directories of some files.
 *
 * @module
 */

import { dirname, join, relative, resolve } from "node:path";

/** Who follows more links gets nowhere, as with Linux. */
const MAX_LINKS = 40;

interface Watch {
  readonly watcher: Deno.FsWatcher;
  readonly ended: Promise<void>;
}

/**
 * Watches directories rather than files: a file that is replaced is another one,
 * and a mounted Kubernetes secret changes by a symbolic link beside the file.
 * Where watching is not possible, nothing is ever noticed.
 */
export class DirectoryChanges implements AsyncDisposable {
  readonly #paths: readonly string[];
  #watches: readonly Watch[] = [];
  /** What is watched, so that another place at the same path is another one. */
  #places = "";
  #changed: AbortController | undefined;

  /** @param paths Of the files, which need not be there */
  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  /**
   * Watches what leads to the files by now, and no longer what did before: links
   * may lead elsewhere, and a directory may be another one. Where all is as it was,
   * the watching goes on: Deno, up to at least 2.9.6, opens what appears in a
   * directory (`is_same_file` in runtime/ops/fs_events.rs), which for a named pipe
   * takes until somebody writes into it, and whoever begins to watch waits for that.
   *
   * @returns A signal that aborts at the next change, and is of no use from then on
   */
  async watch(): Promise<AbortSignal> {
    const directories = new Set<string>();
    for (const path of this.#paths) {
      await addDirectories(resolve(path), directories);
    }
    const places = (await Promise.all([...directories].map(placeOf))).join(
      "\n",
    );
    const goesOn = places === this.#places &&
      this.#watches.length === directories.size;
    if (goesOn && this.#changed?.signal.aborted === false) {
      return this.#changed.signal;
    }
    // First: while somebody watches a directory that is gone, nobody can watch the
    // one in its place.
    await close(this.#watches);
    const changed = this.#changed = new AbortController();
    this.#places = places;
    this.#watches = [...directories].flatMap((it) => open(it, changed) ?? []);
    return changed.signal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await close(this.#watches);
  }
}

/** The directory at a path. */
async function placeOf(path: string): Promise<string> {
  try {
    const { dev, ino } = await Deno.stat(path);
    return `${path} ${dev} ${ino}`;
  } catch {
    return path;
  }
}

function open(directory: string, changed: AbortController): Watch | undefined {
  try {
    const watcher = Deno.watchFs(directory, { recursive: false });
    return { watcher, ended: listen(watcher, changed) };
  } catch {
    // Not there any more, or more than the system lets us watch.
    return undefined;
  }
}

/** Until the first change: then it is to be decided anew what to watch. */
async function listen(
  watcher: Deno.FsWatcher,
  changed: AbortController,
): Promise<void> {
  for await (const { kind } of watcher) {
    // Our own reading is no change.
    if (kind === "access") continue;
    changed.abort(new Error("a file has changed"));
    return;
  }
}

async function close(watches: readonly Watch[]): Promise<void> {
  for (const { watcher } of watches) watcher[Symbol.dispose]();
  await Promise.all(watches.map(({ ended }) => ended));
}

/**
 * Adds those in which something may change that leads to `path`: the file itself,
 * or a link on the way. Of what is missing, the one that it would be in.
 */
async function addDirectories(
  path: string,
  directories: Set<string>,
  links = 0,
): Promise<void> {
  for (const step of stepsTo(path)) {
    const target = await readLink(step);
    if (target === undefined) continue;
    const directory = dirname(step);
    directories.add(directory);
    if (links === MAX_LINKS) return;
    const followed = join(resolve(directory, target), relative(step, path));
    return await addDirectories(followed, directories, links + 1);
  }
  let directory = dirname(path);
  while (!await isDirectory(directory) && directory !== dirname(directory)) {
    directory = dirname(directory);
  }
  directories.add(directory);
}

/** `/a/b` is reached by `/a` and `/a/b`. */
function stepsTo(path: string): string[] {
  const directory = dirname(path);
  return directory === path ? [] : [...stepsTo(directory), path];
}

/** Undefined where it is no link, or not there. */
async function readLink(path: string): Promise<string | undefined> {
  try {
    return await Deno.readLink(path);
  } catch {
    return undefined;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}
