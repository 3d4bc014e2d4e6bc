/**
 * The newest second of the audit log that was read: where to begin when there is
 * no cursor, or it stopped working.
 *
 * @module
 */

import type { AuditEvent, NewestEvents, PagePosition } from "../event.ts";
import { rfc3339, secondOf } from "../rfc3339.ts";
import { eventKey } from "./event_key.ts";
import type { TimeRange } from "./oversized_event.ts";
import { MAX_PAGE_SIZE, SETTLE_MS } from "./pages.ts";

/** Of one second; past it, a dropped cursor may have the oldest of them sent again. */
const MAX_NEWEST_KEYS = 2 * MAX_PAGE_SIZE;

/** The newest second after more events of a range were read. */
export function newestOf<None extends null | undefined>(
  events: readonly AuditEvent[],
  range: TimeRange,
  before: NewestEvents | None,
): NewestEvents | None {
  const newestMs = Math.max(
    newestMsOf(events, range),
    before ? Date.parse(before.time) : -Infinity,
  );
  if (newestMs === -Infinity) return before;
  const secondMs = secondOf(newestMs);
  const time = rfc3339(secondMs);
  const keys = events.filter(({ timeMs }) => timeMs >= secondMs).map(eventKey);
  if (before?.time !== time) return { time, keys };
  if (keys.length === 0) return before;
  return { time, keys: [...before.keys, ...keys].slice(-MAX_NEWEST_KEYS) };
}

/**
 * A time outside the range that was asked for is somebody's mistake, and no help.
 * Its seconds count as a whole, since some servers look at nothing else.
 */
export function newestMsOf(
  events: readonly AuditEvent[],
  range: TimeRange,
): number {
  return outermostMs(events, range, Math.max, -Infinity);
}

/** See `newestMsOf`; Infinity where there is none. */
export function oldestMsOf(
  events: readonly AuditEvent[],
  range: TimeRange,
): number {
  return outermostMs(events, range, Math.min, Infinity);
}

function outermostMs(
  events: readonly AuditEvent[],
  range: TimeRange,
  pick: (a: number, b: number) => number,
  none: number,
): number {
  const startMs = secondOf(range.startMs);
  const endMs = secondOf(range.endMs - 1) + 1_000;
  let outermostMs = none;
  for (const { timeMs } of events) {
    if (startMs <= timeMs && timeMs < endMs) {
      outermostMs = pick(outermostMs, timeMs);
    }
  }
  return outermostMs;
}

/**
 * The newest second of what was read before a position's cursor: all that is
 * older is read, and what was read since is known by these keys and the seen ones.
 *
 * @returns null where nothing was read before it; undefined where that is not
 * known, since the cursor is the user's, or another program's
 */
export function newestBefore(
  { cursor, seen, newest, before }: PagePosition,
): NewestEvents | null | undefined {
  if (cursor === "") return null;
  if (before !== undefined) return before;
  if (newest === null) return undefined;
  if (seen.length === 0) return newest;
  // A state of before there was `before`. Reading was ahead of the cursor for no
  // longer than events take to settle, and what it read first was no older.
  const timeMs = Date.parse(newest.time) - 2 * SETTLE_MS;
  return { time: rfc3339(timeMs), keys: [] };
}
