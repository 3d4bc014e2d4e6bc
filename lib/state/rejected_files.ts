/**
 * Reading what was set aside, and taking events off the list. There may be more
 * of it than memory: one event after the other is looked at.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { join } from "node:path";
import { describe } from "../errors.ts";
import type { Destination } from "../event.ts";
import { replaceAtomically } from "./atomic_write.ts";
import { isRecord, StateError } from "./document.ts";
import { readLines } from "./read_lines.ts";
import { rejectedDirectory, type RejectedEvent } from "./rejected.ts";

const NEWLINE = 0x0a;
/** What is written at once; a line may be longer. */
const BLOCK_BYTES = 64 * 1024;

/**
 * Yields the events that are set aside, oldest first.
 *
 * @param stateDirectory It need not be there
 * @throws {StateError} naming the file and the line that cannot be read
 */
export async function* readRejected(
  stateDirectory: string,
): AsyncGenerator<RejectedEvent> {
  for (const path of await listFiles(stateDirectory)) {
    for await (const { event } of readEvents(path)) yield event;
  }
}

/**
 * How many events are set aside; of files that may be large, only line ends are
 * looked at.
 *
 * @param stateDirectory It need not be there
 * @throws {StateError} naming the file that cannot be read
 */
export async function countRejected(stateDirectory: string): Promise<number> {
  let count = 0;
  for (const path of await listFiles(stateDirectory)) {
    try {
      count += await countLines(path);
    } catch (cause) {
      throw unreadable(path, cause);
    }
  }
  return count;
}

async function countLines(path: string): Promise<number> {
  let count = 0;
  using file = await Deno.open(path);
  for await (const chunk of file.readable) {
    for (
      let end = chunk.indexOf(NEWLINE);
      end !== -1;
      end = chunk.indexOf(NEWLINE, end + 1)
    ) count++;
  }
  return count;
}

/**
 * Takes events off the list. The program must not run meanwhile: hold the lock.
 *
 * @param isRemoved Asked more than once of an event, and answers the same
 * @returns How many there were
 * @throws {StateError} naming the file and the line that cannot be read, of which
 *   nothing is removed, or the file that cannot be written
 */
export async function removeRejected(
  stateDirectory: string,
  isRemoved: (event: RejectedEvent) => boolean,
): Promise<number> {
  let removed = 0;
  for (const path of await listFiles(stateDirectory)) {
    removed += await removeFrom(path, isRemoved);
  }
  return removed;
}

/** A file of which everything is kept is not touched. */
async function removeFrom(
  path: string,
  isRemoved: (event: RejectedEvent) => boolean,
): Promise<number> {
  let removed = 0;
  let kept = 0;
  for await (const { event } of readEvents(path)) {
    if (isRemoved(event)) removed++;
    else kept++;
  }
  if (removed === 0) return 0;
  try {
    if (kept === 0) {
      await Deno.remove(path);
    } else {
      const blocks = inBlocks(readKept(path, isRemoved));
      await replaceAtomically(path, blocks);
    }
  } catch (cause) {
    throw new StateError(
      `cannot take events off the list in ${path}: ${describe(cause)}`,
      { cause },
    );
  }
  return removed;
}

async function* readKept(
  path: string,
  isRemoved: (event: RejectedEvent) => boolean,
): AsyncGenerator<Uint8Array> {
  for await (const { line, event } of readEvents(path)) {
    if (!isRemoved(event)) yield line;
  }
}

/** Lines as few larger pieces: each costs a system call. */
async function* inBlocks(
  lines: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let block: Uint8Array[] = [];
  let bytes = 0;
  for await (const line of lines) {
    block.push(line);
    bytes += line.length;
    if (bytes < BLOCK_BYTES) continue;
    yield Buffer.concat(block);
    block = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(block);
}

async function listFiles(stateDirectory: string): Promise<string[]> {
  const directory = rejectedDirectory(stateDirectory);
  const paths: string[] = [];
  try {
    for await (const { name } of Deno.readDir(directory)) {
      if (name.endsWith(".jsonl")) paths.push(join(directory, name));
    }
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) {
      throw unreadable(directory, cause);
    }
  }
  return paths.sort();
}

async function* readLinesOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* readLines(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): StateError {
  return new StateError(
    `cannot read what is set aside in ${path}: ${describe(cause)}`,
    { cause },
  );
}

async function* readEvents(
  path: string,
): AsyncGenerator<{ line: Uint8Array; event: RejectedEvent }> {
  const decoder = new TextDecoder();
  let number = 0;
  for await (const line of readLinesOf(path)) {
    number++;
    let event: unknown;
    try {
      event = JSON.parse(decoder.decode(line));
    } catch (cause) {
      throw new StateError(
        `line ${number} of ${path} is no JSON: repair or remove it`,
        { cause },
      );
    }
    if (!isRejectedEvent(event)) {
      throw new StateError(
        `line ${number} of ${path} is no event that was set aside: repair or remove it`,
      );
    }
    yield { line, event };
  }
}

/** Somebody may have repaired it, or a disk may have damaged it. */
function isRejectedEvent(value: unknown): value is RejectedEvent {
  if (!isRecord(value)) return false;
  const { time, reason, destination, type, id } = value;
  return [time, reason, type, id].every((text) => typeof text === "string") &&
    isDestination(destination) &&
    (isRecord(value.event) || typeof value.payload === "string" ||
      Array.isArray(value.between));
}

function isDestination(value: unknown): value is Destination {
  return isRecord(value) &&
    (value.kind === "audit" ||
      value.kind === "recording" && typeof value.sessionId === "string");
}
