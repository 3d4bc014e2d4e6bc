/**
 * One file of the Go program's state directory.
 *
 * @module
 */

import { join } from "node:path";
import { describe } from "../errors.ts";
import { rfc3339, secondOf } from "../rfc3339.ts";
import { StateError } from "./document.ts";

/** The year 1: what Go writes where it has no time. */
const ZERO_TIME_MS = Date.parse("0001-01-01T00:00:00Z");

/** What is wrong with a time that has not come yet. */
export const IN_FUTURE = "in the future, unless this machine's clock is behind";

/**
 * A file's bytes; undefined where there is none.
 *
 * @throws {StateError} where it cannot be read
 */
export async function readGoBytes(
  path: string,
): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new StateError(
      `cannot read ${path}, which the Go handler has left: ${describe(cause)}`,
      { cause },
    );
  }
}

/**
 * A file's text; undefined where there is none.
 *
 * @throws {StateError} where it cannot be read or is no text
 */
export async function readGoFile(
  directory: string,
  name: string,
): Promise<string | undefined> {
  const path = join(directory, name);
  const bytes = await readGoBytes(path);
  if (bytes === undefined) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw damagedGoFile(path, "it is no text", cause);
  }
}

/**
 * A file's time as RFC 3339, UTC, whole seconds; undefined where there is none,
 * or, as Go takes it, an empty file or the zero time.
 *
 * @throws {StateError} where it cannot be read, is no time, or has not come yet:
 * what is before it would be passed over
 */
export async function readGoTime(
  directory: string,
  name: string,
  nowMs: number,
): Promise<string | undefined> {
  const text = (await readGoFile(directory, name))?.trim() ?? "";
  if (text === "") return undefined;
  const timeMs = goTimeMs(text);
  const damaged = (what: string) =>
    damagedGoFile(join(directory, name), `${JSON.stringify(text)} ${what}`);
  if (timeMs === undefined || timeMs < ZERO_TIME_MS) {
    throw damaged("is no RFC 3339 time");
  }
  if (timeMs === ZERO_TIME_MS) return undefined;
  if (timeMs > nowMs) {
    throw damaged(`is ${IN_FUTURE}`);
  }
  return rfc3339(secondOf(timeMs));
}

/**
 * Milliseconds since the epoch, negative for Go's zero time, which is in the year
 * 1; undefined where the text is no RFC 3339 time.
 */
export function goTimeMs(text: string): number | undefined {
  try {
    // Unlike Date, it rolls no day over that does not exist.
    return Temporal.Instant.from(text).epochMilliseconds;
  } catch {
    return undefined;
  }
}

/** The error about a file that is not what the Go program wrote. */
export function damagedGoFile(
  path: string,
  what: string,
  cause?: unknown,
): StateError {
  return new StateError(
    `${path}, which the Go handler has left, is damaged: ${what}: restore it from a backup, or ` +
      "move its directory away and say with start-time and start-id where to go on",
    { cause },
  );
}
