/**
 * The state document: what it holds, and how it is read back.
 *
 * @module
 */

import type {
  ExportDay,
  ExportPosition,
  NewestEvents,
  PagePosition,
  PagesRead,
  Position,
} from "../event.ts";
import type { PendingRecording } from "../pipeline/ports.ts";

/** What survives the process: one JSON document. */
export interface StateDocument {
  /** Of this layout; another one is refused rather than misread. */
  readonly version: 1;
  /** The cluster that the position is of. */
  readonly cluster: string;
  /** RFC 3339, UTC, whole seconds: what `start-time` was at the first run. */
  readonly startTime: string;
  readonly position: Position;
  /** Recordings that are not delivered completely, by session id, oldest first. */
  readonly recordings: Readonly<Record<string, PendingRecording>>;
  /**
   * By JSON of user and login: failed logins up to then, milliseconds since the
   * epoch, have led to a lock.
   */
  readonly locks?: Readonly<Record<string, number>>;
}

/** The last moment that a Date can tell, milliseconds since the epoch. */
const MAX_TIME_MS = 8.64e15;
/** What the Go program has left would be taken over once more. */
const MOVE_AWAY =
  "move it away, with the Go handler's files where it left any, " +
  "and say with start-time and start-id where to go on";
const RFC3339_UTC = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/;

/** The state cannot be used as it is; it is never overwritten then. */
export class StateError extends Error {
  override readonly name = "StateError";
}

/** It is not what was written. */
export class DamagedStateError extends StateError {
  constructor(message: string, readonly path: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** The document as text, readable by a person. */
export function formatDocument(document: StateDocument): string {
  return JSON.stringify(document, null, 2) + "\n";
}

/**
 * Reads a document back.
 *
 * @throws {StateError} naming `path`, where it is not what `formatDocument` wrote
 */
export function parseDocument(text: string, path: string): StateDocument {
  const damaged = (what: string, cause?: unknown) =>
    new DamagedStateError(
      `the state file ${path} is damaged: ${what}: restore it from a backup, or ${MOVE_AWAY}`,
      path,
      { cause },
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged("it is not JSON", cause);
  }
  if (!isRecord(value)) throw damaged("it is not an object");
  if (value.version === undefined) throw damaged('"version" is missing');
  if (value.version !== 1) {
    throw new StateError(
      `the state file ${path} has version ${
        JSON.stringify(value.version)
      } and this program writes version 1: it is of another release: use that one, or ${MOVE_AWAY}`,
    );
  }
  const { cluster, startTime, position, recordings, locks } = value;
  if (typeof cluster !== "string") throw damaged('"cluster" is missing');
  if (!isTime(startTime)) throw damaged('"startTime" is no time');
  if (!isPosition(position)) throw damaged('"position" is incomplete');
  if (!isRecord(recordings)) throw damaged('"recordings" is missing');
  if (locks !== undefined && !isCounts(locks)) {
    throw damaged('"locks" is not by name and time');
  }
  const pending: [string, PendingRecording][] = [];
  for (const [sessionId, recording] of Object.entries(recordings)) {
    if (!isPendingRecording(recording)) {
      throw damaged(`the recording ${JSON.stringify(sessionId)} is incomplete`);
    }
    pending.push([sessionId, recording]);
  }
  return {
    version: 1,
    cluster,
    startTime,
    position,
    recordings: Object.fromEntries(pending),
    ...locks && { locks },
  };
}

/** Whether it is an object of JSON. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As they are written: `Date.parse` alone takes a "1" for a date. */
function isTime(value: unknown): value is string {
  return typeof value === "string" && RFC3339_UTC.test(value) &&
    !Number.isNaN(Date.parse(value));
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) &&
    value.every((item) => typeof item === "string");
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isCount(value: unknown): value is number {
  return isNumber(value) && value >= 0;
}

function isTimeMs(value: unknown): value is number {
  return isCount(value) && value <= MAX_TIME_MS;
}

function isCounts(value: unknown): value is Record<string, number> {
  return isRecord(value) && Object.values(value).every(isCount);
}

function isPosition(value: unknown): value is Position {
  return isRecord(value) && (isPagePosition(value) || isExportPosition(value));
}

function isPagePosition(
  value: Record<string, unknown>,
): value is Record<string, unknown> & PagePosition {
  return value.kind === "page" && isTime(value.start) &&
    typeof value.cursor === "string" && isStrings(value.seen) &&
    (value.newest === null || isNewestEvents(value.newest)) &&
    (value.before === undefined || value.before === null ||
      isNewestEvents(value.before)) &&
    (value.after === undefined || typeof value.after === "string");
}

function isExportPosition(
  value: Record<string, unknown>,
): value is Record<string, unknown> & ExportPosition {
  return value.kind === "export" && isRecord(value.days) &&
    Object.keys(value.days).length > 0 &&
    Object.entries(value.days).every(([name, day]) =>
      isDate(name) && isExportDay(day)
    ) &&
    (value.newest === null ||
      isRecord(value.newest) && isTime(value.newest.time)) &&
    (value.pages === undefined || isPagesRead(value.pages));
}

function isDate(name: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(name) && !Number.isNaN(Date.parse(name)) &&
    new Date(name).toISOString().startsWith(name);
}

function isExportDay(value: unknown): value is ExportDay {
  return isRecord(value) && isStrings(value.done) && isRecord(value.cursors) &&
    isStrings(Object.values(value.cursors));
}

function isPagesRead(value: unknown): value is PagesRead {
  return isRecord(value) && isTime(value.until) && isStrings(value.keys);
}

function isNewestEvents(value: unknown): value is NewestEvents {
  return isRecord(value) && isTime(value.time) && isStrings(value.keys);
}

function isPendingRecording(value: unknown): value is PendingRecording {
  return isRecord(value) && isNumber(value.index) && isCount(value.count) &&
    isCount(value.attempts) && isTimeMs(value.sinceMs) &&
    isTimeMs(value.notBeforeMs) && typeof value.lastError === "string" &&
    (value.toldMissing === undefined || typeof value.toldMissing === "boolean");
}
