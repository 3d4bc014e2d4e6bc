/**
 * The session recordings that the Go program was not done with.
 *
 * @module
 */

import { join } from "node:path";
import type { PendingRecording } from "../pipeline/ports.ts";
import { damagedGoFile, goTimeMs, readGoBytes, readGoFile } from "./go_file.ts";

const SESSION = "session";
const MISSING_RECORDING = "missing_recording";
const INDEX_BYTES = 8;
/** Recordings are asked for by a 32-bit index. */
const MAX_INDEX = 2 ** 31 - 1;

/**
 * Reads the `session<id>` and `missing_recording<id>` files.
 *
 * @param names Of the files, in the order in which the recordings are to be
 * @throws {StateError} naming the file that cannot be read or used
 */
export async function readGoRecordings(
  directory: string,
  names: readonly string[],
  nowMs: number,
): Promise<Record<string, PendingRecording>> {
  const recordings = new Map<string, PendingRecording>();
  // A session's own file is the newer one, where a crash has left both.
  for (const name of names) {
    if (!name.startsWith(MISSING_RECORDING)) continue;
    const sessionId = name.slice(MISSING_RECORDING.length);
    recordings.set(sessionId, await readMissing(directory, name, nowMs));
  }
  for (const name of names) {
    if (!name.startsWith(SESSION)) continue;
    const sessionId = name.slice(SESSION.length);
    recordings.set(sessionId, await readSession(join(directory, name), nowMs));
  }
  return Object.fromEntries(recordings);
}

/** 8 bytes, big-endian; Go takes an empty file, which a crash leaves, for 0. */
async function readSession(
  path: string,
  nowMs: number,
): Promise<PendingRecording> {
  const bytes = await readGoBytes(path) ?? new Uint8Array();
  if (bytes.length === 0) return pending(0, nowMs);
  if (bytes.length !== INDEX_BYTES) {
    throw damagedGoFile(path, `it has ${bytes.length} bytes and not 8`);
  }
  const index = Number(
    new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0),
  );
  if (!isIndex(index)) {
    throw damagedGoFile(path, `${index} is no event's index`);
  }
  return pending(index, nowMs);
}

/**
 * `{"Index":0,"Attempt":1,"Timestamp":"2024-05-01T12:00:00Z"}`; of an empty file,
 * which a crash leaves, the name tells enough.
 */
async function readMissing(
  directory: string,
  name: string,
  nowMs: number,
): Promise<PendingRecording> {
  const path = join(directory, name);
  const text = await readGoFile(directory, name) ?? "";
  if (text === "") return pending(0, nowMs);
  let value: Partial<Record<string, unknown>> | null;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damagedGoFile(path, "it is not JSON", cause);
  }
  const { Index: index, Attempt: attempts, Timestamp: time } = value ?? {};
  if (!isIndex(index)) throw damagedGoFile(path, '"Index" is no index');
  if (!isIndex(attempts)) throw damagedGoFile(path, '"Attempt" is no number');
  const timeMs = typeof time === "string" ? goTimeMs(time) : undefined;
  if (timeMs === undefined) throw damagedGoFile(path, '"Timestamp" is no time');
  return {
    ...pending(index, timeMs < 0 ? nowMs : timeMs),
    attempts,
    lastError: "the Go handler did not find the recording",
  };
}

/** The index is that of the last event that was sent, or 0 before the first. */
function pending(index: number, sinceMs: number): PendingRecording {
  return {
    index,
    // With 0, the first event may be among those sent, or not: it is sent again.
    count: index === 0 ? 0 : 1,
    attempts: 0,
    sinceMs,
    notBeforeMs: 0,
    lastError: "",
  };
}

function isIndex(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) &&
    0 <= value && value <= MAX_INDEX;
}
