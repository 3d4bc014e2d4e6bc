/**
 * A way around an event that is too large for the server to answer with: page
 * search cannot get past it by its cursor, but by time.
 *
 * @module
 */

import type { AuditEvent } from "../event.ts";
import { secondOf } from "../rfc3339.ts";
import type { PageRequest } from "./client.ts";
import type { Page } from "./decode_events.ts";
import { TeleportError } from "./errors.ts";

const SECOND_MS = 1_000;
const PAGE_SIZE = 100;
/** Pages in a row that are empty although their cursor moves on, before one is believed. */
const MAX_EMPTY_PAGES = 100;

/** Before the first event of any log. */
const LONG_AGO = { startMs: 0, endMs: 1, cursor: "" };

/** What to ask for: the types are the caller's to add. */
export type RangeRequest = Omit<PageRequest, "types">;

/** Asks for a page; rejects with `TeleportError.pageTooLarge` where it is too large. */
export type Ask = (request: RangeRequest) => Promise<Page>;

/** A range of time, up to, not including, its end: milliseconds since the epoch. */
export interface TimeRange {
  readonly startMs: number;
  readonly endMs: number;
}

/** What is left out, and what is not. */
export interface WayAround {
  /** Within it there is one event, at least, that is too large. */
  readonly skipped: TimeRange;
  /** Events of that range that come after it, in the server's order. */
  readonly after: readonly AuditEvent[];
}

/** What stands in the way. */
export interface Obstacle {
  /** The range whose next event is too large. */
  readonly range: TimeRange;
  /** What the page before ended with. */
  readonly cursor: string;
  /** Where the range of the last way around ended; undefined before the first. */
  readonly lastEndMs: number | undefined;
}

/** What a range shows of its next event. */
type Sight = "too large" | "nothing" | AuditEvent;

/**
 * Finds the smallest range of time with the event that is next in a range and is
 * too large. Its end is where to go on without a cursor: the events before it were
 * read, and those of the range that come after it are in `after`.
 *
 * That is a millisecond, or a second where the server does not tell times apart
 * any finer. Of several events that are too large within it, what is between them
 * is out of reach.
 *
 * @returns undefined where the event is not too large any longer, or the answers
 * do not fit together: then nothing may be skipped
 * @throws what `ask` throws, but for pages that are too large
 */
export async function findWayAround(
  { range, cursor, lastEndMs }: Obstacle,
  ask: Ask,
): Promise<WayAround | undefined> {
  const { startMs } = range;
  // Where nothing is, nothing is too large: that would not be one event's fault.
  if (await look(LONG_AGO, ask) === "too large") return undefined;
  const endMs = await firstBlockedEnd(
    range,
    (endMs) => look({ startMs, endMs, cursor }, ask),
  );
  if (endMs === undefined) return undefined;
  const instant = { startMs: endMs - 1, endMs };
  const sight = await look({ ...instant, cursor: "" }, ask);
  if (sight === "nothing") return undefined;
  const skipped = await isCoarse(instant, lastEndMs, ask)
    ? wholeSecond(instant.startMs)
    : instant;
  const { after, isBlocked } = await readBackwards(skipped, ask);
  // Of what can be read as a whole, nothing was in the way.
  if (sight !== "too large" && !isBlocked) return undefined;
  return { skipped, after };
}

/**
 * The smallest end, in milliseconds, with which a range is blocked; undefined where
 * it is not blocked as a whole, or shows an event meanwhile.
 */
async function firstBlockedEnd(
  { startMs, endMs }: TimeRange,
  lookUpTo: (endMs: number) => Promise<Sight>,
): Promise<number | undefined> {
  if (await lookUpTo(endMs) !== "too large") return undefined;
  let free = startMs;
  let blocked = endMs;
  while (blocked - free > 1) {
    const middle = Math.floor((free + blocked) / 2);
    const sight = await lookUpTo(middle);
    if (sight === "too large") blocked = middle;
    else if (sight === "nothing") free = middle;
    else return undefined;
  }
  return blocked;
}

/**
 * Whether the server knows times by the second only: the event stands in the way
 * again although the range began behind it. With one at the beginning of a second,
 * which is where such a server has all of them, the next instant tells.
 */
async function isCoarse(
  { startMs, endMs }: TimeRange,
  lastEndMs: number | undefined,
  ask: Ask,
): Promise<boolean> {
  if (startMs === lastEndMs) return true;
  if (startMs % SECOND_MS !== 0) return false;
  const next = { startMs: endMs, endMs: endMs + 1, cursor: "" };
  const sight = await look(next, ask);
  if (sight === "too large" || sight === "nothing") return sight !== "nothing";
  return sight.timeMs < next.startMs || sight.timeMs >= next.endMs;
}

async function look(
  request: Omit<RangeRequest, "limit">,
  ask: Ask,
): Promise<Sight> {
  let { cursor } = request;
  for (let pages = 0; pages < MAX_EMPTY_PAGES; pages++) {
    const page = await askUnlessTooLarge({ ...request, cursor, limit: 1 }, ask);
    if (page === undefined) return "too large";
    const { events: [event], lastKey } = page;
    if (event !== undefined) return event;
    if (lastKey === "" || lastKey === cursor) break;
    cursor = lastKey;
  }
  return "nothing";
}

/**
 * The events of a range from its end on, as far as that goes, in the usual order;
 * and whether it is a large one where that ends.
 */
async function readBackwards(
  range: TimeRange,
  ask: Ask,
): Promise<{ after: AuditEvent[]; isBlocked: boolean }> {
  const backwards: AuditEvent[] = [];
  let cursor = "";
  let limit = PAGE_SIZE;
  let isBlocked = false;
  for (let emptyPages = 0; emptyPages < MAX_EMPTY_PAGES;) {
    const page = await askUnlessTooLarge(
      { ...range, cursor, limit, descending: true },
      ask,
    );
    if (page === undefined) {
      isBlocked = limit === 1;
      if (isBlocked) break;
      limit = Math.ceil(limit / 2);
      continue;
    }
    backwards.push(...page.events);
    if (page.lastKey === "" || page.lastKey === cursor) break;
    cursor = page.lastKey;
    emptyPages = page.events.length === 0 ? emptyPages + 1 : 0;
  }
  return { after: backwards.reverse(), isBlocked };
}

/** The page; undefined where it is too large. */
async function askUnlessTooLarge(
  request: RangeRequest,
  ask: Ask,
): Promise<Page | undefined> {
  try {
    return await ask(request);
  } catch (error) {
    if (error instanceof TeleportError && error.pageTooLarge) return undefined;
    throw error;
  }
}

function wholeSecond(timeMs: number): TimeRange {
  const startMs = secondOf(timeMs);
  return { startMs, endMs: startMs + SECOND_MS };
}
