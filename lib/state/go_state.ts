/**
 * What the Go program of the same name left in this directory: read, never
 * written. Its files are one value each, as its `state.go` and
 * `export/cursor.go` write them.
 *
 * @module
 */

import { join } from "node:path";
import { describe } from "../errors.ts";
import type { Position } from "../event.ts";
import type { PendingRecording } from "../pipeline/ports.ts";
import { StateError } from "./document.ts";
import { damagedGoFile, goTimeMs, readGoFile, readGoTime } from "./go_file.ts";
import { readGoRecordings } from "./go_recordings.ts";

/** What is taken over. */
export interface GoState {
  /** RFC 3339, UTC, whole seconds: what `start-time` was at its first run. */
  readonly startTime: string;
  readonly position: Position;
  readonly recordings: Readonly<Record<string, PendingRecording>>;
  /**
   * How exactly the position is known: up to the last event, or, from its bulk
   * export, up to the day before the earliest that it was not done with.
   */
  readonly exact: "event" | "day";
}

const SINGLE_FILES = ["start_time", "window_time", "cursor", "id"];
const RECORDING_FILE = /^(session|missing_recording)./;
const EXPORT_DIRECTORY = "cursor_v2";
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/**
 * Reads what the Go program left; undefined where it was never here.
 *
 * @throws {StateError} naming the file that cannot be read or used
 */
export async function readGoState(
  directory: string,
  nowMs: number,
): Promise<GoState | undefined> {
  const names = await namesIn(directory);
  const recordingFiles = names.filter((name) => RECORDING_FILE.test(name));
  const days = names.includes(EXPORT_DIRECTORY)
    ? await readExportDays(join(directory, EXPORT_DIRECTORY))
    : [];
  const isThere = recordingFiles.length > 0 || days.length > 0 ||
    SINGLE_FILES.some((name) => names.includes(name));
  if (!isThere) return undefined;

  const windowTime = await readGoTime(directory, "window_time");
  const startTime = await readGoTime(directory, "start_time") ?? windowTime;
  if (startTime === undefined) {
    throw damagedGoFile(
      join(directory, "start_time"),
      names.includes("start_time") ? "it is empty" : "it is missing",
    );
  }
  const [firstDay] = days;
  return {
    startTime,
    // Once its bulk export has begun, it reads no page again.
    position: firstDay === undefined
      ? await readPagePosition(directory, windowTime ?? startTime)
      : firstPage(later(`${firstDay}T00:00:00Z`, startTime)),
    recordings: await readGoRecordings(directory, recordingFiles, nowMs),
    exact: firstDay === undefined ? "event" : "day",
  };
}

/** The page that it was in, and the last event that it sent of it. */
async function readPagePosition(
  directory: string,
  start: string,
): Promise<Position> {
  const cursor = await readGoFile(directory, "cursor") ?? "";
  const after = await readGoFile(directory, "id") ?? "";
  const position = { ...firstPage(start), cursor };
  return after === "" ? position : { ...position, after };
}

function firstPage(start: string): Position {
  return { kind: "page", start, cursor: "", seen: [], newest: null };
}

/**
 * The days that its bulk export was not done with, the earliest first: it removes
 * the directory of a day when it looks for nothing more of it.
 */
async function readExportDays(directory: string): Promise<string[]> {
  const days = [];
  // Names that are no day are none of its own, and it passes them over as well.
  for (const name of await namesIn(directory)) {
    if (!DAY.test(name)) continue;
    if (goTimeMs(`${name}T00:00:00Z`) === undefined) {
      throw damagedGoFile(join(directory, name), "there is no such day");
    }
    days.push(name);
  }
  return days;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(directory));
    return entries.map(({ name }) => name).sort();
  } catch (cause) {
    throw new StateError(
      `cannot read the Go handler's state in ${directory}: ${describe(cause)}`,
      { cause },
    );
  }
}

function later(time: string, other: string): string {
  return Date.parse(time) > Date.parse(other) ? time : other;
}
