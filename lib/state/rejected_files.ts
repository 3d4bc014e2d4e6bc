/**
 * Reading what was set aside, and taking events off the list.
 *
 * @module
 */

import { join } from "node:path";
import { writeAtomically } from "./atomic_write.ts";
import { StateError } from "./document.ts";
import {
  REJECTED_FILE_MODE,
  rejectedDirectory,
  type RejectedEvent,
} from "./rejected.ts";

const NEWLINE = 0x0a;

/**
 * The events that are set aside, oldest first.
 *
 * @param stateDirectory It need not be there
 * @throws {StateError} naming the file and the line that cannot be read
 */
export async function readRejected(
  stateDirectory: string,
): Promise<RejectedEvent[]> {
  const events: RejectedEvent[] = [];
  for (const path of await listFiles(stateDirectory)) {
    events.push(...(await readLines(path)).map(({ event }) => event));
  }
  return events;
}

/**
 * How many events are set aside; of files that may be large, only line ends are
 * looked at.
 *
 * @param stateDirectory It need not be there
 */
export async function countRejected(stateDirectory: string): Promise<number> {
  let count = 0;
  for (const path of await listFiles(stateDirectory)) {
    using file = await Deno.open(path);
    for await (const chunk of file.readable) {
      for (
        let end = chunk.indexOf(NEWLINE);
        end !== -1;
        end = chunk.indexOf(NEWLINE, end + 1)
      ) count++;
    }
  }
  return count;
}

/**
 * Takes events off the list. The program must not run meanwhile: hold the lock.
 *
 * @returns How many there were
 * @throws {StateError} naming the file and the line that cannot be read
 */
export async function removeRejected(
  stateDirectory: string,
  isRemoved: (event: RejectedEvent) => boolean,
): Promise<number> {
  let removed = 0;
  for (const path of await listFiles(stateDirectory)) {
    const lines = await readLines(path);
    const kept = lines.filter(({ event }) => !isRemoved(event));
    if (kept.length === lines.length) continue;
    removed += lines.length - kept.length;
    if (kept.length === 0) {
      await Deno.remove(path);
    } else {
      const text = kept.map(({ line }) => `${line}\n`).join("");
      await writeAtomically(path, text, REJECTED_FILE_MODE);
    }
  }
  return removed;
}

async function listFiles(stateDirectory: string): Promise<string[]> {
  const directory = rejectedDirectory(stateDirectory);
  const paths: string[] = [];
  try {
    for await (const { name } of Deno.readDir(directory)) {
      if (name.endsWith(".jsonl")) paths.push(join(directory, name));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return paths.sort();
}

async function readLines(
  path: string,
): Promise<{ line: string; event: RejectedEvent }[]> {
  const text = await Deno.readTextFile(path);
  // What follows the last line end was cut off by a crash, and counts as unwritten.
  return text.split("\n").slice(0, -1).map((line, i) => {
    try {
      return { line, event: JSON.parse(line) };
    } catch (cause) {
      throw new StateError(
        `line ${i + 1} of ${path} is no JSON: repair or remove it`,
        { cause },
      );
    }
  });
}
