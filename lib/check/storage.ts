/**
 * The state directory.
 *
 * @module
 */

import { dirname } from "node:path";
import { describe } from "../errors.ts";
import { checkCluster } from "../state/cluster.ts";
import { DirectoryLock } from "../state/directory_lock.ts";
import { readGoState } from "../state/go_state.ts";
import { checkStartTime } from "../state/start_time.ts";
import { countRejected } from "../state/rejected_files.ts";
import { readState } from "../state/state_file.ts";
import { attempt, type Finding, withUntried } from "./finding.ts";

/** Who has run before, and reads this, has lost it or looks in another place. */
const NO_STATE = "there is none yet, as before a first run";

/** Looks whether a run could begin there; leaves nothing behind. */
export function checkStorage(
  directory: string,
  options: {
    /** What the cluster calls itself, where it has answered. */
    readonly cluster: string | undefined;
    readonly startTime: string | undefined;
    readonly nowMs: number;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<Finding> {
  return withUntried(["directory", "lock", "state"], walk(directory, options));
}

async function* walk(
  directory: string,
  { cluster, startTime, nowMs, signal }: Parameters<typeof checkStorage>[1],
): AsyncGenerator<Finding> {
  const written = await attempt("directory", signal, async () => {
    const existing = await nearestExisting(directory);
    tryWriting(existing);
    return {
      text: existing === directory
        ? `${directory} is writable`
        : `${directory} can be created`,
      value: existing,
    };
  });
  yield written.finding;
  if (written.value === undefined) return;
  if (written.value !== directory) {
    yield { step: "lock", status: "ok", text: "there is none yet" };
    yield { step: "state", status: "ok", text: NO_STATE };
    return;
  }
  yield (await attempt("lock", signal, async () => {
    await DirectoryLock.probe(directory);
    return { text: "free", value: true };
  })).finding;
  yield (await attempt("state", signal, async () => {
    const state = await readState(directory);
    await countRejected(directory);
    if (state === undefined) {
      const taken = await readGoState(directory, nowMs);
      checkStartTime(startTime, taken, directory);
      const text = taken === undefined
        ? NO_STATE
        : `the Go handler's, begun with ${taken.startTime}, is taken over`;
      return { text, value: true };
    }
    checkCluster(cluster, state, directory);
    checkStartTime(startTime, state, directory);
    const { newest } = state.position;
    const upTo = newest === null
      ? "nothing delivered yet"
      : `newest event delivered: ${newest.time}`;
    return { text: `of the cluster ${state.cluster}, ${upTo}`, value: true };
  })).finding;
}

async function nearestExisting(path: string): Promise<string> {
  try {
    await Deno.lstat(path);
    return path;
  } catch (cause) {
    // A run could not make what we may not look at.
    if (cause instanceof Deno.errors.NotCapable) {
      throw new Error(
        `cannot look at ${path}: ${describe(cause)}: name another storage`,
        { cause },
      );
    }
    const parent = dirname(path);
    return parent === path ? path : await nearestExisting(parent);
  }
}

/** Without a pause, in which a check that is stopped would leave the file behind. */
function tryWriting(directory: string): void {
  try {
    const path = Deno.makeTempFileSync({ dir: directory, prefix: ".check-" });
    try {
      using file = Deno.openSync(path, { write: true });
      file.writeSync(new TextEncoder().encode("check"));
      file.syncSync();
    } finally {
      Deno.removeSync(path);
    }
  } catch (cause) {
    throw new Error(
      `cannot write in ${directory}: ${
        describe(cause)
      }: it must belong to the user that runs this, on a disk with room`,
      { cause },
    );
  }
}
