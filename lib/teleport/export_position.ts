/**
 * How a position in the chunks of the audit log moves on, and how it and a
 * position in its pages turn into one another.
 *
 * @module
 */

import type {
  AuditEvent,
  EventBatch,
  ExportDay,
  ExportPosition,
  PagePosition,
} from "../event.ts";
import { rfc3339, secondOf } from "../rfc3339.ts";
import { isBefore } from "./audit_event.ts";
import { newestBefore } from "./newest_events.ts";
import { compareWithSeen } from "./seen_events.ts";

/** Something that happened to the chunks of a day. */
export type Step =
  /** The day is looked at from now on. */
  | { readonly kind: "day begun"; readonly day: string }
  /** Nothing more will come of the day. */
  | { readonly kind: "day over"; readonly day: string }
  /** Some events of a chunk were read, up to its cursor. */
  | EventBatch & {
    readonly kind: "events";
    readonly day: string;
    readonly chunk: string;
    readonly cursor: string;
  }
  | {
    readonly kind: "chunk read";
    readonly day: string;
    readonly chunk: string;
  };

/** Where a step leads, and which of its events page search has not read before. */
export interface Moved {
  readonly position: ExportPosition;
  readonly events: readonly AuditEvent[];
}

/** Days are those of UTC, all of the same length. */
export const DAY_MS = 24 * 60 * 60_000;
/** Events reach the log late: so old ones are there, or never will be. */
const LATE_MS = 10 * 60_000;
const NO_CHUNKS: ExportDay = { done: [], cursors: {} };

/** Moves a position on; it shares with the new one what stays the same. */
export function move(position: ExportPosition, step: Step): Moved {
  switch (step.kind) {
    case "day begun":
      return only(withDay(position, step.day, NO_CHUNKS));
    case "day over":
      return only(withoutDay(position, step.day));
    case "chunk read": {
      const { done, cursors } = dayOf(position, step.day);
      const { [step.chunk]: _, ...others } = cursors;
      return only(
        withDay(position, step.day, {
          done: [...done, step.chunk],
          cursors: others,
        }),
      );
    }
    case "events": {
      const { events, position: unread } = leaveOutRead(position, step);
      const { done, cursors } = dayOf(unread, step.day);
      const moved = withDay(unread, step.day, {
        done,
        cursors: { ...cursors, [step.chunk]: step.cursor },
      });
      return { events, position: { ...moved, newest: newestOf(moved, step) } };
    }
  }
}

/**
 * Goes on by chunks where page search has caught up. What it has read is known by
 * its time, and for the last second, or its last page, by keys. Of the last
 * minutes, what was on pages before that one is read again rather than missed.
 *
 * @param askedMs When the log was asked for what is newer, and had nothing more
 */
export function toExport(
  position: PagePosition,
  askedMs: number,
): ExportPosition {
  const { start, seen, newest } = position;
  // Of a cursor from elsewhere, everything before it is read.
  const isOurs = newestBefore(position) !== undefined;
  if (isOurs && newest === null && seen.length === 0) {
    return { kind: "export", days: { [dateOf(start)]: NO_CHUNKS }, newest };
  }
  // The page may not have shown again what it has: its cursor may lead nowhere.
  const known = position.before === undefined ? newest : position.before;
  const settledMs = secondOf(askedMs - LATE_MS);
  const readMs = known === null
    ? (isOurs ? 0 : settledMs)
    : Math.min(Date.parse(known.time), settledMs);
  const reachedMs = Math.max(Date.parse(start), readMs);
  // A clock that is ahead may have reached what is still to come.
  const untilMs = known === null ? reachedMs : readMs;
  return {
    kind: "export",
    days: { [dateOf(reachedMs)]: NO_CHUNKS },
    newest: newest === null ? null : { time: newest.time },
    pages: {
      until: rfc3339(untilMs),
      keys: union(seen, known?.keys ?? []),
    },
  };
}

/**
 * Goes on by pages, from the first day on that is not done with: which of its
 * events are read, pages do not tell.
 *
 * @param startTime RFC 3339: not before that
 */
export function toPages(
  { days, pages }: ExportPosition,
  startTime: string,
): PagePosition {
  const firstMs = Math.min(...Object.keys(days).map((day) => Date.parse(day)));
  const startMs = Math.max(
    firstMs,
    Date.parse(startTime),
    pages === undefined ? 0 : Date.parse(pages.until),
  );
  return {
    kind: "page",
    start: rfc3339(startMs),
    cursor: "",
    seen: pages?.keys ?? [],
    newest: null,
  };
}

/** The UTC date of a time. */
export function dateOf(time: string | number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** The date of the day after. */
export function dayAfter(day: string): string {
  return dateOf(Date.parse(day) + DAY_MS);
}

function only(position: ExportPosition): Moved {
  return { position, events: [] };
}

function dayOf({ days }: ExportPosition, day: string): ExportDay {
  return days[day] ?? NO_CHUNKS;
}

function withDay(
  position: ExportPosition,
  name: string,
  day: ExportDay,
): ExportPosition {
  return { ...position, days: { ...position.days, [name]: day } };
}

function withoutDay(
  { pages, ...position }: ExportPosition,
  day: string,
): ExportPosition {
  const { [day]: _, ...days } = position.days;
  // The seconds before a midnight are read, and some after it: both days count.
  const needed = pages !== undefined &&
    Object.keys(days).some((open) => open <= dayAfter(dateOf(pages.until)));
  return needed ? { ...position, days, pages } : { ...position, days };
}

/** Without what page search has read, as long as that may show up again. */
function leaveOutRead(
  position: ExportPosition,
  { day, events }: Extract<Step, { kind: "events" }>,
): Moved {
  const { pages } = position;
  if (pages === undefined) return { position, events };
  const untilMs = Date.parse(pages.until);
  const later = day > dateOf(pages.until)
    ? events
    : events.filter((event) => !isBefore(event, untilMs));
  if (pages.keys.length === 0) return { position, events: later };
  const { fresh, unshown } = compareWithSeen(later, pages.keys);
  return {
    position: { ...position, pages: { ...pages, keys: unshown } },
    events: fresh,
  };
}

/** A time before 1970, or after the day, is somebody's mistake, and no help. */
function newestOf(
  { newest }: ExportPosition,
  { day, events }: Extract<Step, { kind: "events" }>,
): ExportPosition["newest"] {
  const endMs = Date.parse(day) + DAY_MS;
  const beforeMs = newest === null ? 0 : Date.parse(newest.time);
  let newestMs = 0;
  for (const { timeMs } of events) {
    if (timeMs > newestMs && timeMs < endMs) newestMs = timeMs;
  }
  const secondMs = secondOf(newestMs);
  return secondMs > beforeMs ? { time: rfc3339(secondMs) } : newest;
}

/** Each key as often as in that list which has it more often. */
function union(keys: readonly string[], more: readonly string[]): string[] {
  const rest = new Map<string, number>();
  for (const key of keys) rest.set(key, (rest.get(key) ?? 0) + 1);
  const added = more.filter((key) => {
    const count = rest.get(key) ?? 0;
    rest.set(key, count - 1);
    return count <= 0;
  });
  return [...keys, ...added];
}
