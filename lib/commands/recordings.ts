/**
 * `recordings list|retry|drop`: what is not delivered completely.
 *
 * @module
 */

import { systemClock } from "../clock.ts";
import type { StateConfig } from "../config/config.ts";
import { counted } from "../counted.ts";
import { ConfigError } from "../errors.ts";
import { isMissing } from "../pipeline/missing_recording.ts";
import type { PendingRecording } from "../pipeline/ports.ts";
import { DirectoryLock } from "../state/directory_lock.ts";
import type { StateDocument } from "../state/document.ts";
import { requestRetry } from "../state/retry_requests.ts";
import { StateFile } from "../state/state_file.ts";
import { ExitStatus } from "./exit_status.ts";
import { printable } from "../printable.ts";
import { print } from "./print.ts";
import {
  existingDirectory,
  existingState,
  stateDirectory,
} from "./state_directory.ts";

/** What `recordings list --json` prints of each, one a line. */
interface ListedRecording {
  readonly sessionId: string;
  /** When it was first heard of, or the first of the attempts failed. */
  readonly since: string;
  readonly attempts: number;
  readonly missing: boolean;
  /** Not before then is it tried again; null: as soon as possible. */
  readonly next: string | null;
  readonly lastError: string;
}

/** `recordings list`: one line, or with `json` one JSON object, for each recording. */
export async function runRecordingsList(
  { storage, addresses }: StateConfig,
  { json }: { json: boolean },
): Promise<number> {
  const nowMs = systemClock.now();
  const { recordings } = await existingState(
    stateDirectory(storage, addresses),
  );
  const lines = Object.entries(recordings).map(([sessionId, recording]) => {
    const listed = list(sessionId, recording, nowMs);
    return json ? JSON.stringify(listed) : printable(formatLine(listed));
  });
  print(lines.map((line) => `${line}\n`).join(""));
  return ExitStatus.Done;
}

/**
 * `recordings retry`: has recordings tried again at once, by the running program
 * or by the next one. The state itself belongs to whoever runs.
 *
 * @param sessionIds All that are pending where there is none
 */
export async function runRecordingsRetry(
  { storage, addresses }: StateConfig,
  sessionIds: readonly string[],
): Promise<number> {
  const directory = stateDirectory(storage, addresses);
  const { recordings } = await existingState(directory);
  checkPending(sessionIds, recordings);
  const wanted = sessionIds.length > 0 ? sessionIds : Object.keys(recordings);
  await requestRetry(directory, wanted);
  print(
    wanted.length === 0
      ? "no recording is pending\n"
      : `${wanted.length} asked for: a running program tries within seconds, otherwise the next one does\n`,
  );
  return ExitStatus.Done;
}

/**
 * `recordings drop`: forgets recordings that somebody gives up.
 *
 * @throws {StateError} where a program runs on the directory
 */
export async function runRecordingsDrop(
  { storage, addresses }: StateConfig,
  sessionIds: readonly string[],
): Promise<number> {
  const clock = systemClock;
  const directory = await existingDirectory(storage, addresses);
  using _lock = await DirectoryLock.acquire(directory, clock.now());
  const document = await existingState(directory);
  checkPending(sessionIds, document.recordings);
  const state = new StateFile(directory, document, {
    clock,
    observer: { saved() {} },
  });
  const dropped = new Set(sessionIds);
  for (const sessionId of dropped) state.progress.finishRecording(sessionId);
  await state.save();
  print(`${dropped.size} dropped\n`);
  return ExitStatus.Done;
}

function checkPending(
  sessionIds: readonly string[],
  recordings: StateDocument["recordings"],
): void {
  const unknown = sessionIds.filter((id) => !Object.hasOwn(recordings, id));
  if (unknown.length === 0) return;
  throw new ConfigError(
    unknown.map((id) => `no recording of a session ${id} is pending`),
  );
}

function list(
  sessionId: string,
  recording: PendingRecording,
  nowMs: number,
): ListedRecording {
  const { sinceMs, notBeforeMs, attempts, lastError } = recording;
  return {
    sessionId,
    since: new Date(sinceMs).toISOString(),
    attempts,
    missing: isMissing(recording, nowMs),
    next: notBeforeMs <= nowMs ? null : new Date(notBeforeMs).toISOString(),
    lastError,
  };
}

function formatLine(
  { sessionId, since, attempts, missing, next, lastError }: ListedRecording,
): string {
  const state = missing ? "missing" : attempts === 0 ? "waiting" : "failing";
  return [
    since,
    sessionId,
    state,
    ...attempts === 0 ? [] : [
      counted(attempts, "attempt"),
      `next ${next ?? "at once"}`,
      lastError,
    ],
  ].join("  ");
}
