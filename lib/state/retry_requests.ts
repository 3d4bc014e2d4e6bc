/**
 * Recordings that are to be tried again at once: one empty file each, named after
 * the session, in the state directory. A running program looks for them every few
 * seconds, and any other one when it starts.
 *
 * @module
 */

import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { describe } from "../errors.ts";
import type { RetryRequests } from "../pipeline/ports.ts";
import { StateError } from "./document.ts";
import { DIRECTORY_MODE, FILE_MODE } from "./owner_only.ts";

const LOOK_MS = 2_000;
const LOOK_AFTER_FAILURE_MS = 60_000;

/**
 * Asks for recordings to be tried again.
 *
 * @throws {StateError} naming the first file that cannot be made, after all others
 * are
 */
export async function requestRetry(
  stateDirectory: string,
  sessionIds: readonly string[],
): Promise<void> {
  const directory = directoryIn(stateDirectory);
  let failure: StateError | undefined;
  for (const sessionId of sessionIds) {
    const path = join(directory, nameOf(sessionId));
    try {
      await createDirectory(directory);
      await Deno.writeTextFile(path, "", { mode: FILE_MODE });
    } catch (cause) {
      failure ??= new StateError(`cannot write ${path}: ${describe(cause)}`, {
        cause,
      });
    }
  }
  if (failure !== undefined) throw failure;
}

/** The requests in a state directory. */
export class RetryRequestFiles implements RetryRequests {
  readonly #directory: string;
  /** Of those that are taken and not done with: what comes meanwhile is another one. */
  readonly #takenDirectory: string;
  readonly #clock: Clock;
  readonly #onFailure: (error: StateError) => void;
  #taken: string[] = [];

  /** @param options.onFailure Told where they cannot be read; it is tried again later */
  constructor(
    stateDirectory: string,
    options: { clock: Clock; onFailure: (error: StateError) => void },
  ) {
    this.#directory = directoryIn(stateDirectory);
    this.#takenDirectory = join(this.#directory, ".taken");
    this.#clock = options.clock;
    this.#onFailure = options.onFailure;
  }

  /** See `RetryRequests.next`. */
  async next(stop: AbortSignal): Promise<readonly string[]> {
    while (true) {
      let waitMs = LOOK_MS;
      try {
        const sessionIds = await this.#look();
        if (sessionIds.length > 0) return sessionIds;
      } catch (cause) {
        waitMs = LOOK_AFTER_FAILURE_MS;
        this.#onFailure(
          new StateError(
            `cannot take requests out of ${this.#directory}: ${
              describe(cause)
            }`,
            { cause },
          ),
        );
      }
      await this.#clock.sleep(waitMs, stop);
    }
  }

  /**
   * Removes what was taken the last time, and takes what is there, and what an
   * earlier run has taken and was not done with.
   */
  async #look(): Promise<string[]> {
    // Ours, so that whoever runs the command, we may remove what is in it.
    await createDirectory(this.#takenDirectory);
    for (const name of this.#taken.splice(0)) {
      await removeIfThere(join(this.#takenDirectory, name));
    }
    for (const name of await filesIn(this.#directory)) {
      await Deno.rename(
        join(this.#directory, name),
        join(this.#takenDirectory, name),
      );
    }
    this.#taken = await filesIn(this.#takenDirectory);
    return this.#taken.flatMap(decodeName);
  }
}

function directoryIn(stateDirectory: string): string {
  return join(stateDirectory, "retry");
}

async function createDirectory(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
}

async function filesIn(directory: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(directory));
  return entries.filter(({ isFile }) => isFile).map(({ name }) => name);
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Of a file in the directory, whatever the session is called. */
function nameOf(sessionId: string): string {
  // "." and ".." are left as they are otherwise, and ".taken" is ours.
  return encodeURIComponent(sessionId).replaceAll(".", "%2E");
}

/** None of a file that somebody else has put there. */
function decodeName(name: string): string[] {
  try {
    return [decodeURIComponent(name)];
  } catch {
    return [];
  }
}
