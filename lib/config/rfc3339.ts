/**
 * Points in time as RFC 3339 writes them.
 *
 * @module
 */

import { rfc3339, secondOf } from "../rfc3339.ts";
import { refusal } from "./refusal.ts";
import { single, type ValueType } from "./value_type.ts";

const RFC3339 =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z|[+-]\d{2}:\d{2})?$/i;

/**
 * Reads `2024-05-01T12:00:00Z` or `2024-05-01T14:00:00.5+02:00`.
 *
 * @returns The same moment in UTC, cut to the second
 * @throws {ConfigError} where it is something else, has no zone, is outside of
 * the years that Teleport and the state know, or no such day or hour exists
 */
export function parseRfc3339(text: string): string {
  const [, date, time, zone] = RFC3339.exec(text) ?? [];
  if (date === undefined || time === undefined) {
    throw refusal(
      text,
      "is not an RFC 3339 time: write it like 2024-05-01T12:00:00Z",
    );
  }
  if (zone === undefined) {
    throw refusal(
      text,
      "has no time zone: end it with Z for UTC, or with an offset like +02:00",
    );
  }
  // Date rolls 30 February over to 1 March instead of refusing it.
  if (toSeconds(`${date}T${time}Z`) !== `${date}T${time}Z`) {
    throw refusal(text, "names a day or an hour that does not exist");
  }
  const utc = toSeconds(`${date}T${time}${zone.toUpperCase()}`);
  if (utc === undefined) throw refusal(text, "has no valid time zone");
  if (!/^(?!0000)\d{4}-/.test(utc)) {
    throw refusal(text, "is outside of the years 1 to 9999 in UTC");
  }
  return utc;
}

function toSeconds(text: string): string | undefined {
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) ? undefined : rfc3339(secondOf(timeMs));
}

/** A moment that has passed. */
export const PAST_TIME: ValueType<string> = single("TIME", (text, context) => {
  const time = parseRfc3339(text);
  if (Date.parse(time) > context.nowMs) throw refusal(text, "is in the future");
  return time;
});
