/**
 * The state on disk: one JSON document, replaced as a whole.
 *
 * @module
 */

import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { describe, isAbort } from "../errors.ts";
import type { Saver } from "../pipeline/ports.ts";
import { Progress } from "../pipeline/progress.ts";
import { replaceAtomically } from "./atomic_write.ts";
import {
  formatDocument,
  parseDocument,
  type StateDocument,
  StateError,
} from "./document.ts";
import { DIRECTORY_MODE } from "./owner_only.ts";

const FILE_NAME = "state.json";
/** Changes that come closer together are saved together. */
const SAVE_INTERVAL_MS = 100;
/**
 * Saving takes a fifth of the time at most, however large the document is (many
 * thousand recordings that cannot be read) or slow the disk; up to a point.
 */
const PAUSE_PER_SAVE = 4;
const MAX_PAUSE_MS = 5_000;

/** Creates the state directory, where it is not there, for its owner alone. */
export async function createStateDirectory(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
  } catch (cause) {
    throw new StateError(
      `cannot create the state directory ${path}: ${describe(cause)}`,
      { cause },
    );
  }
}

/**
 * Reads what an earlier run left in the state directory; undefined where there
 * was none.
 *
 * @throws {StateError} where it cannot be read or used
 */
export async function readState(
  directory: string,
): Promise<StateDocument | undefined> {
  const path = join(directory, FILE_NAME);
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound && !await isThere(path)) {
      return undefined;
    }
    throw new StateError(
      `cannot read the state file ${path}: ${describe(cause)}`,
      { cause },
    );
  }
  return parseDocument(text, path);
}

/** Whether there is anything: a link that leads nowhere is no first run. */
async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(
    () => true,
    (error) => !(error instanceof Deno.errors.NotFound),
  );
}

/** What a save took. */
export interface StateObserver {
  saved(seconds: number): void;
}

/** Keeps a run's progress on disk, soon after it changes. */
export class StateFile implements Saver {
  /** What is kept; whoever changes it need not care about saving. */
  readonly progress: Progress;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #observer: StateObserver;
  readonly #header: Pick<StateDocument, "version" | "cluster" | "startTime">;
  #changed = Promise.withResolvers<void>();
  #changes = 0;
  /** How many of them are on disk. */
  #savedChanges = 0;

  /** @param document What was read, or what a first run begins with */
  constructor(
    directory: string,
    document: StateDocument,
    options: { clock: Clock; observer: StateObserver },
  ) {
    const { position, recordings, locks, ...header } = document;
    this.#path = join(directory, FILE_NAME);
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#header = header;
    const from = { position, recordings, ...locks && { locks } };
    this.progress = new Progress(from, {
      clock: options.clock,
      onChange: () => this.change(),
    });
  }

  /** Has the document saved although nothing in it changed: it is new. */
  change(): void {
    this.#changes++;
    this.#changed.resolve();
  }

  /**
   * Saves changes soon after they are made, until `stop` aborts; what came last
   * is for `save`.
   *
   * @throws {StateError} as soon as a save fails
   */
  async keepSaved(stop: AbortSignal): Promise<void> {
    // Wakes what waits for a change: in a race, a promise that outlives every
    // round of it would keep all of them.
    const wake = () => this.#changed.resolve();
    stop.addEventListener("abort", wake, { once: true });
    try {
      while (!stop.aborted) {
        await this.#changed.promise;
        if (stop.aborted) return;
        const tookMs = await this.#save();
        await this.#clock.sleep(pauseMs(tookMs), stop);
      }
    } catch (error) {
      if (!isAbort(error, stop)) throw error;
    } finally {
      stop.removeEventListener("abort", wake);
    }
  }

  /** Resolves once all that has changed is on disk; rejects with the reason of `stop`. */
  async saved(stop: AbortSignal): Promise<void> {
    const changes = this.#changes;
    while (this.#savedChanges < changes) {
      await this.#clock.sleep(SAVE_INTERVAL_MS, stop);
    }
  }

  /**
   * Saves what changed since the last time; nothing where nothing did. Not to be
   * called while another save is under way.
   *
   * @throws {StateError} where it is not safely on disk; the last one then still is
   */
  async save(): Promise<void> {
    await this.#save();
  }

  /** Resolves with how long it took, in milliseconds. */
  async #save(): Promise<number> {
    const changes = this.#changes;
    if (changes === this.#savedChanges) return 0;
    this.#changed = Promise.withResolvers<void>();
    const startedMs = this.#clock.monotonic();
    try {
      const document = { ...this.#header, ...this.progress.snapshot() };
      const bytes = new TextEncoder().encode(formatDocument(document));
      await replaceAtomically(this.#path, [bytes]);
    } catch (cause) {
      this.change();
      const consequence = await isThere(this.#path)
        ? "nothing is lost, what was delivered since the last save will be sent again"
        : "no earlier one is there, so that the next run begins like a first one: " +
          "bring it back or set start-time, or what happens until then may be left out";
      throw new StateError(
        `cannot save the state file ${this.#path}: ${
          describe(cause)
        }: ${consequence}`,
        { cause },
      );
    }
    this.#savedChanges = changes;
    const tookMs = this.#clock.monotonic() - startedMs;
    this.#observer.saved(tookMs / 1_000);
    return tookMs;
  }
}

/** For how long nothing is saved after a save that took so long. */
function pauseMs(tookMs: number): number {
  const pauseMs = Math.max(SAVE_INTERVAL_MS, PAUSE_PER_SAVE * tookMs);
  return Math.min(pauseMs, MAX_PAUSE_MS);
}
