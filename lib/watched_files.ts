/**
 * A value made of files, made anew when they change: credentials that somebody
 * renews while the program runs.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Clock } from "./clock.ts";
import { DirectoryChanges } from "./directory_changes.ts";
import { isAbort } from "./errors.ts";

/** Who writes several files, or one in pieces, gets so long to finish. */
const SETTLE_MS = 250;

/** What is watched, and who is told. */
export interface WatchedFilesOptions<T> {
  /** The value is made of these. */
  readonly paths: readonly string[];
  /**
   * Makes the value; throws while the files are no good, or `stop.reason`. There
   * is no `stop` for the first time.
   */
  readonly load: (stop?: AbortSignal) => Promise<T>;
  /** The files are read so often also where nothing was noticed. */
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly observer: WatchedFilesObserver<T>;
}

/** Who is told about files. */
export interface WatchedFilesObserver<T> {
  /** The files have changed, and this is their value from now on. */
  renewed(value: T): void;
  /**
   * The files have changed and are no good, so that the value stays as it is; told
   * each time that they are read.
   */
  kept(error: unknown): void;
  /** The files are again those that the value was made of, and were no good before. */
  restored(): void;
}

/** The value of files, always the last one that was good. */
export class WatchedFiles<T> {
  readonly #options: WatchedFilesOptions<T>;
  #digest: string;
  #value: T;
  #isKept = false;

  private constructor(
    options: WatchedFilesOptions<T>,
    first: { digest: string; value: T },
  ) {
    this.#options = options;
    this.#digest = first.digest;
    this.#value = first.value;
  }

  /**
   * Makes the value for the first time.
   *
   * @throws what `load` throws
   */
  static async open<T>(
    options: WatchedFilesOptions<T>,
  ): Promise<WatchedFiles<T>> {
    // Before the value: what changes in between is noticed when it is looked after.
    const digest = await digestOf(options.paths);
    return new WatchedFiles(options, { digest, value: await options.load() });
  }

  get value(): T {
    return this.#value;
  }

  /** Looks after the files until `stop` aborts. */
  async keepFresh(stop: AbortSignal): Promise<void> {
    const { paths, intervalMs, clock } = this.#options;
    await using changes = new DirectoryChanges(paths);
    try {
      while (true) {
        const changed = await changes.watch();
        // Also at first: something may have changed before anybody watched.
        await this.#look(stop);
        try {
          await clock.sleep(intervalMs, AbortSignal.any([stop, changed]));
        } catch (error) {
          if (error !== changed.reason) throw error;
          await clock.sleep(SETTLE_MS, stop);
        }
      }
    } catch (error) {
      if (!isAbort(error, stop)) throw error;
    }
  }

  /** Takes the files' value, if they have changed and are good. */
  async #look(stop: AbortSignal): Promise<void> {
    const { paths, load, observer } = this.#options;
    const digest = await digestOf(paths);
    if (digest === this.#digest) {
      if (this.#isKept) observer.restored();
      this.#isKept = false;
      return;
    }
    try {
      this.#value = await load(stop);
    } catch (error) {
      if (isAbort(error, stop)) throw error;
      // Again at the interval: it may be for a reason outside of the files.
      this.#isKept = true;
      observer.kept(error);
      return;
    }
    this.#isKept = false;
    this.#digest = digest;
    observer.renewed(this.#value);
  }
}

/** Tells what the files hold, or why they cannot be read. */
async function digestOf(paths: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of paths) {
    let content: Uint8Array | string;
    try {
      content = await Deno.readFile(path);
    } catch (error) {
      content = error instanceof Error ? error.name : "unreadable";
    }
    hash.update(`${content.length} `).update(content);
  }
  return hash.digest("hex");
}
