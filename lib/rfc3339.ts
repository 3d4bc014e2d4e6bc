/**
 * Times as RFC 3339 writes them, in UTC: as positions and the state have them, too.
 *
 * @module
 */

/** The beginning of the second. */
export function secondOf(timeMs: number): number {
  return Math.floor(timeMs / 1_000) * 1_000;
}

/** RFC 3339, UTC, without a fraction where there is none. */
export function rfc3339(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(".000Z", "Z");
}
