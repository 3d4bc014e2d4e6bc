/**
 * Events reach the log late, and then also between those that were read already.
 * A page that may still get company is read and its position kept: from there on,
 * everything is read once more when that is over.
 *
 * @module
 */

import type { AuditEvent, NewestEvents, PagePosition } from "../event.ts";
import { eventKey } from "./event_key.ts";
import { newestBefore } from "./newest_events.ts";
import { MAX_PAGE_SIZE } from "./pages.ts";
import type { Sighting } from "./seen_events.ts";

/** Keys that a position may hold for it: of twenty seconds with 1,000 events each. */
const MAX_KEYS = 20 * MAX_PAGE_SIZE;

/** A full page, compared with what was read before. */
export interface FullPage extends Sighting {
  readonly lastKey: string;
  readonly isEmpty: boolean;
  /** No event before its end is newer: milliseconds since the epoch. */
  readonly reachMs: number;
  /** See `PagePosition.before`: of what comes before its end. */
  readonly before: NewestEvents | null | undefined;
}

/** Where reading is, by itself. */
export type Place = Pick<PagePosition, "start" | "cursor" | "seen" | "before">;

/** How far reading is ahead of its position. */
export class ReadAhead {
  readonly #settleMs: number;
  /** Where reading is, where that is not the position. */
  #place: Place | undefined;
  /** The reach of the pages between it and the position that are not empty. */
  #reachMs = -Infinity;
  /** When to begin at the position once more. */
  #againMs = 0;

  /** @param settleMs So long after its time, an event is there or never will be */
  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  /** Whether pages were read that the position is not behind. */
  get isAhead(): boolean {
    return this.#place !== undefined;
  }

  /** Whether it is time to begin at the position once more. */
  isOver(nowMs: number): boolean {
    const wasSetBack = this.#againMs > nowMs + this.#settleMs;
    return this.isAhead && (this.#againMs <= nowMs || wasSetBack);
  }

  /** Where reading is. */
  from(position: PagePosition): PagePosition {
    return this.#place === undefined ? position : moved(position, this.#place);
  }

  /**
   * Leaves a full page behind, and the position with it once that is settled. What
   * empty pages before it reach to is older than what it shows, and then it was
   * settled when the first of them was read.
   */
  turn(
    position: PagePosition,
    { lastKey, fresh, unshown, isEmpty, reachMs, before }: FullPage,
    nowMs: number,
  ): PagePosition {
    const { start } = this.from(position);
    const place = withBefore(
      { start, cursor: lastKey, seen: unshown },
      before,
    );
    if (!this.isAhead) this.#againMs = nowMs + this.#settleMs;
    const settledMs = this.#againMs - 2 * this.#settleMs;
    const settled = Math.max(this.#reachMs, reachMs) <= settledMs;
    const tooMany = position.seen.length + fresh.length > MAX_KEYS;
    if (settled || tooMany) {
      this.goBack();
      return moved(position, place);
    }
    if (!isEmpty) this.#reachMs = Math.max(this.#reachMs, reachMs);
    this.#place = place;
    return withSeen(position, fresh.map(eventKey));
  }

  /** Notes events of the last page, which is going to be read again. */
  add(position: PagePosition, fresh: readonly AuditEvent[]): PagePosition {
    const keys = fresh.map(eventKey);
    if (this.isAhead) this.#place = withSeen(this.from(position), keys);
    return withSeen(position, keys);
  }

  /**
   * Reading goes on at a place without a cursor. Where it is ahead, the position
   * keeps its own, behind which events may still arrive late.
   */
  jump(position: PagePosition, place: Place): PagePosition {
    if (!this.isAhead) return moved(position, place);
    this.#place = place;
    return position;
  }

  /** Reading goes on from the position. */
  goBack(): void {
    this.#place = undefined;
    this.#reachMs = -Infinity;
  }
}

function moved(
  { kind, newest }: PagePosition,
  { start, cursor, seen, before }: Place,
): PagePosition {
  return withBefore({ kind, start, cursor, seen, newest }, before);
}

/** With events from behind its cursor, by their keys. */
function withSeen(
  position: PagePosition,
  keys: readonly string[],
): PagePosition {
  if (keys.length === 0) return position;
  const seen = [...position.seen, ...keys];
  const before = position.cursor === "" ? undefined : newestBefore(position);
  return withBefore({ ...position, seen }, before);
}

function withBefore<At extends Place>(at: At, before: Place["before"]): At {
  return before === undefined ? at : { ...at, before };
}
