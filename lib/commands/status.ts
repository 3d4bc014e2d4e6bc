/**
 * `status`: how far forwarding is, from the state directory; it may be in use.
 *
 * @module
 */

import { systemClock } from "../clock.ts";
import type { StateConfig } from "../config/config.ts";
import { formatAge } from "../operate/format_age.ts";
import { StateError } from "../state/document.ts";
import { readRejected } from "../state/rejected_files.ts";
import { readState } from "../state/state_file.ts";
import { ExitStatus } from "./exit_status.ts";
import { print } from "./print.ts";
import { stateDirectory } from "./state_directory.ts";

/** A recording that could not be read for so long is called missing. */
const MISSING_MS = 48 * 60 * 60_000;

/** What `status --json` prints. */
export interface Status {
  readonly cluster: string;
  readonly startTime: string;
  /** Time of the newest event that is delivered with all before it; null before the first. */
  readonly position: string | null;
  readonly recordings: readonly {
    readonly sessionId: string;
    readonly since: string;
    readonly attempts: number;
    readonly missing: boolean;
    readonly lastError: string;
  }[];
  readonly setAside: number;
}

/** Prints it, as text or JSON. */
export async function runStatus(
  { storage, addresses }: Pick<StateConfig, "storage" | "addresses">,
  { json }: { json: boolean },
): Promise<number> {
  const nowMs = systemClock.now();
  const status = await readStatus(stateDirectory(storage, addresses), nowMs);
  print(json ? JSON.stringify(status) + "\n" : formatStatus(status, nowMs));
  return ExitStatus.Done;
}

/**
 * Reads the state directory without changing it.
 *
 * @throws {StateError} where there is no state, or it cannot be read
 */
export async function readStatus(
  directory: string,
  nowMs: number,
): Promise<Status> {
  const state = await readState(directory);
  if (state === undefined) {
    throw new StateError(
      `there is no state in ${directory}: nothing was forwarded yet, or storage or teleport-addr is another`,
    );
  }
  return {
    cluster: state.cluster,
    startTime: state.startTime,
    position: state.position.newest?.time ?? null,
    recordings: Object.entries(state.recordings).map(([sessionId, it]) => ({
      sessionId,
      since: new Date(it.sinceMs).toISOString(),
      attempts: it.attempts,
      missing: it.attempts > 0 && nowMs - it.sinceMs >= MISSING_MS,
      lastError: it.lastError,
    })),
    setAside: (await readRejected(directory)).length,
  };
}

function formatStatus(status: Status, nowMs: number): string {
  const { position, recordings } = status;
  const missing = recordings.filter((recording) => recording.missing);
  const lines = [
    `cluster      ${status.cluster}`,
    `start time   ${status.startTime}`,
    position === null
      ? "position     no event yet"
      : `position     ${position} (${
        formatAge(nowMs - Date.parse(position))
      } ago)`,
    `recordings   ${recordings.length} pending, ${missing.length} missing`,
    ...recordings.filter(({ attempts }) => attempts > 0).map((it) =>
      `             ${it.sessionId} since ${it.since}, ${it.attempts} attempts: ${it.lastError}`
    ),
    `set aside    ${status.setAside}`,
  ];
  return lines.join("\n") + "\n";
}
