/**
 * The start time that is configured, and that of the state.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";
import type { StateDocument } from "./document.ts";

/**
 * Checks that a state was begun with the start time, where there are both.
 *
 * @throws {ConfigError} saying how to go on, and how to start over
 */
export function checkStartTime(
  startTime: string | undefined,
  stored: Pick<StateDocument, "startTime"> | undefined,
  directory: string,
): void {
  if (startTime === undefined || stored === undefined) return;
  if (Date.parse(startTime) === Date.parse(stored.startTime)) return;
  throw new ConfigError([
    `start-time is ${startTime}, but the state in ${directory} was begun with ${stored.startTime}: ` +
    "leave start-time out to go on, or move that directory away to start over",
  ]);
}
