/**
 * Events reach the log late, and then also between those that were read already.
 * A page that may still get company is read and its position kept: from there on,
 * everything is read once more when that is over.
 *
 * @module
 */

import type { AuditEvent, PagePosition } from "../event.ts";
import { eventKey } from "./event_key.ts";
import { MAX_PAGE_SIZE } from "./pages.ts";
import type { Sighting } from "./seen_events.ts";

/** Keys that a position may hold for it: of twenty seconds with 1,000 events each. */
const MAX_KEYS = 20 * MAX_PAGE_SIZE;

/** A full page, compared with what was read before. */
export interface FullPage extends Sighting {
  readonly lastKey: string;
  /** Of its newest event, milliseconds since the epoch; -Infinity without one. */
  readonly newestMs: number;
}

/** How far reading is ahead of its position. */
export class ReadAhead {
  readonly #settleMs: number;
  /** Where reading is, where that is not the position. */
  #place: Pick<PagePosition, "cursor" | "seen"> | undefined;
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

  /** Where reading is. */
  from(position: PagePosition, nowMs: number): PagePosition {
    if (this.#againMs <= nowMs) this.goBack();
    return { ...position, ...this.#place };
  }

  /** Leaves a full page behind, and the position with it once that is settled. */
  turn(
    position: PagePosition,
    { lastKey, fresh, unshown, newestMs }: FullPage,
    nowMs: number,
  ): PagePosition {
    const place = { cursor: lastKey, seen: unshown };
    const settled = newestMs <= nowMs - this.#settleMs;
    const tooMany = position.seen.length + fresh.length > MAX_KEYS;
    if (settled && !this.isAhead || tooMany) {
      this.goBack();
      return { ...position, ...place };
    }
    if (!this.isAhead) this.#againMs = nowMs + this.#settleMs;
    this.#place = place;
    if (fresh.length === 0) return position;
    return { ...position, seen: [...position.seen, ...fresh.map(eventKey)] };
  }

  /** Notes events of the last page, which is going to be read again. */
  add(position: PagePosition, fresh: readonly AuditEvent[]): PagePosition {
    const keys = fresh.map(eventKey);
    if (this.#place !== undefined) {
      const { cursor, seen } = this.#place;
      this.#place = { cursor, seen: [...seen, ...keys] };
    }
    return { ...position, seen: [...position.seen, ...keys] };
  }

  /** Reading goes on from the position. */
  goBack(): void {
    this.#place = undefined;
  }
}
