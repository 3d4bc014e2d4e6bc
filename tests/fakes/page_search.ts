/**
 * `GetUnstructuredEvents` over an audit log: pages by position, never by looking
 * through what was read before.
 *
 * @module
 */

import type { AuditLog } from "./audit_log.ts";

/** What is asked for. */
export interface PageQuery {
  /** Both ends of the range are part of it; microseconds since the epoch. */
  readonly startUs: number;
  readonly endUs: number;
  /** Only these types; all where empty. */
  readonly types: readonly string[];
  readonly limit: number;
  /** The `lastKey` of the page before; "" for the first one. */
  readonly startKey: string;
  readonly ascending: boolean;
}

/** What is found. */
export interface FoundPage {
  /** Positions in the log. */
  readonly positions: readonly number[];
  /** "" where the range has no further event now. */
  readonly lastKey: string;
}

/** A `startKey` that no page ended with. */
export class InvalidKeyError extends Error {
  override readonly name = "InvalidKeyError";

  constructor(key: string) {
    super(`failed to parse page key ${JSON.stringify(key)}`);
  }
}

const MAX_PAGE_BYTES = 1024 * 1024;

/**
 * The page that follows `startKey`.
 *
 * @throws {InvalidKeyError}
 */
export function searchPage(log: AuditLog, query: PageQuery): FoundPage {
  const { startUs, endUs, limit, startKey, ascending } = query;
  const types = new Set(query.types);
  const first = log.firstAt(startUs);
  const end = log.firstAt(endUs + 1);
  const isWanted = (position: number) =>
    types.size === 0 || types.has(log.typeAt(position));

  const positions: number[] = [];
  let bytes = 0;
  const step = ascending ? 1 : -1;
  for (
    let position = startAfter(log, { startKey, ascending, first, end });
    position >= first && position < end;
    position += step
  ) {
    if (!isWanted(position)) continue;
    const { length } = log.encodedAt(position);
    const last = positions.at(-1);
    const isFull = positions.length === limit ||
      bytes + length > MAX_PAGE_BYTES;
    // However large, one event makes a page.
    if (isFull && last !== undefined) {
      return { positions, lastKey: keyAfter(log, last) };
    }
    positions.push(position);
    bytes += length;
  }
  return { positions, lastKey: "" };
}

/**
 * The same page without its events: the key is another one, and leads to the
 * events that should have been here.
 */
export function emptyPage(query: PageQuery): FoundPage {
  const { startKey, ascending } = query;
  const beforeAll = ascending ? "0.-1" : "Infinity.0";
  const key = startKey === "" ? beforeAll : decode(startKey);
  const [place = "", emptied = "0"] = key.split("~");
  const lastKey = encode(`${place}~${Number(emptied) + 1}`);
  return { positions: [], lastKey };
}

/** Names an event by its time, and which of those with this time it is. */
function keyAfter(log: AuditLog, position: number): string {
  const timeUs = log.timeUsAt(position);
  return encode(`${timeUs}.${position - log.firstAt(timeUs)}`);
}

/** How many events of the log come no later than this `lastKey`. */
export function passedBy(log: AuditLog, key: string): number {
  const [timeUs = NaN, nth = NaN] = decode(key).split(/[.~]/).map(Number);
  if (Number.isNaN(timeUs + nth)) throw new InvalidKeyError(key);
  return log.firstAt(timeUs) + nth + 1;
}

function startAfter(
  log: AuditLog,
  range: {
    readonly startKey: string;
    readonly ascending: boolean;
    readonly first: number;
    readonly end: number;
  },
): number {
  const { startKey, ascending, first, end } = range;
  const start = ascending ? first : end - 1;
  if (startKey === "") return start;
  const passed = passedBy(log, startKey);
  return ascending ? Math.max(start, passed) : Math.min(start, passed - 2);
}

function encode(key: string): string {
  return btoa(key);
}

function decode(key: string): string {
  try {
    return atob(key);
  } catch {
    throw new InvalidKeyError(key);
  }
}
