/**
 * What the Go program of the same name left in this directory: read, never
 * written. Its files are one value each, as its `state.go` and
 * `export/cursor.go` write them.
 *
 * @module
 */

import { join } from "node:path";
import { describe } from "../errors.ts";
import type { ExportDay, PagePosition, Position } from "../event.ts";
import type { PendingRecording } from "../pipeline/ports.ts";
import { StateError } from "./document.ts";
import {
  damagedGoFile,
  goTimeMs,
  IN_FUTURE,
  readGoFile,
  readGoTime,
} from "./go_file.ts";
import { readGoRecordings } from "./go_recordings.ts";

/** What is taken over. */
export interface GoState {
  /** RFC 3339, UTC, whole seconds: what `start-time` was at its first run. */
  readonly startTime: string;
  readonly position: Position;
  readonly recordings: Readonly<Record<string, PendingRecording>>;
}

const SINGLE_FILES = ["start_time", "window_time", "cursor", "id"];
const RECORDING_FILE = /^(session|missing_recording)./;
const EXPORT_DIRECTORY = "cursor_v2";
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const DONE_FILE = "completed-chunks";
const CHUNK_FILE = /^(.+)\.chunk$/;

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
    ? await readExportDays(join(directory, EXPORT_DIRECTORY), nowMs)
    : {};
  const isExporting = Object.keys(days).length > 0;
  const isThere = recordingFiles.length > 0 || isExporting ||
    SINGLE_FILES.some((name) => names.includes(name));
  if (!isThere) return undefined;

  const windowTime = await readGoTime(directory, "window_time", nowMs);
  const startTime = await readGoTime(directory, "start_time", nowMs) ??
    windowTime;
  if (startTime === undefined) {
    throw damagedGoFile(
      join(directory, "start_time"),
      names.includes("start_time") ? "it is empty" : "it is missing",
    );
  }
  return {
    startTime,
    // Once its bulk export has begun, it reads no page again.
    position: isExporting
      ? { kind: "export", days, newest: null }
      : await readPagePosition(directory, windowTime ?? startTime),
    recordings: await readGoRecordings(directory, recordingFiles, nowMs),
  };
}

/** The page that it was in, and the last event that it sent of it. */
async function readPagePosition(
  directory: string,
  start: string,
): Promise<PagePosition> {
  const cursor = await readGoFile(directory, "cursor") ?? "";
  const after = await readGoFile(directory, "id") ?? "";
  const position: PagePosition = {
    kind: "page",
    start,
    cursor,
    seen: [],
    newest: null,
  };
  return after === "" ? position : { ...position, after };
}

/**
 * The days that its bulk export was not done with: it removes the directory of a
 * day when it looks for nothing more of it.
 */
async function readExportDays(
  directory: string,
  nowMs: number,
): Promise<Record<string, ExportDay>> {
  const days: Record<string, ExportDay> = {};
  // Names that are no day are none of its own, and it passes them over as well.
  for (const name of await namesIn(directory)) {
    if (!DAY.test(name)) continue;
    const path = join(directory, name);
    const dayMs = goTimeMs(`${name}T00:00:00Z`);
    if (dayMs === undefined) throw damagedGoFile(path, "there is no such day");
    // Nothing of the days before it would be sent.
    if (dayMs > nowMs) throw damagedGoFile(path, `that day is ${IN_FUTURE}`);
    days[name] = await readExportDay(path);
  }
  return days;
}

/** A list of the chunks that it sent, and a file with the cursor of each other one. */
async function readExportDay(directory: string): Promise<ExportDay> {
  const done = (await readGoFile(directory, DONE_FILE) ?? "").split(/\s+/)
    .filter((chunk) => chunk !== "");
  const cursors: [string, string][] = [];
  for (const name of await namesIn(directory)) {
    const chunk = CHUNK_FILE.exec(name)?.[1];
    // A crash leaves the cursor of a chunk that is on the list.
    if (chunk === undefined || done.includes(chunk)) continue;
    const cursor = (await readGoFile(directory, name) ?? "").trim();
    if (cursor !== "") cursors.push([chunk, cursor]);
  }
  return { done, cursors: Object.fromEntries(cursors) };
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
