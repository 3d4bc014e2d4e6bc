/**
 * The audit log by page search: one page after the other, oldest first.
 *
 * @module
 */

import { isAbort } from "../errors.ts";
import {
  type AuditEvent,
  type Batch,
  type NewestEvents,
  OLD_ANSWER_MS,
  type PagePosition,
} from "../event.ts";
import type { Source } from "../pipeline/ports.ts";
import { rfc3339, secondOf } from "../rfc3339.ts";
import type { Page } from "./decode_events.ts";
import type { TeleportError } from "./errors.ts";
import { eventKey } from "./event_key.ts";
import {
  newestBefore,
  newestMsOf,
  newestOf,
  oldestMsOf,
} from "./newest_events.ts";
import type { TimeRange } from "./oversized_event.ts";
import {
  type Blocked,
  Pages,
  type PagesObserver,
  type PagesOptions,
  SETTLE_MS,
} from "./pages.ts";
import { type Place, ReadAhead } from "./read_ahead.ts";
import { compareWithSeen } from "./seen_events.ts";

/** A cursor that showed nothing for so long is not trusted any longer. */
const CURSOR_TRUST_MS = 60_000;
/** Without it, too, everything may lead nowhere: then that is believed. */
const MAX_DROPS = 3;
/** So many empty pages in a row are turned at full speed. */
const EMPTY_PAGES_AT_ONCE = 20;
/** Between pages that bring nothing new, or hardly anything, and may be many. */
const PAUSE_MS = 250;
const EMPTY_PAGES_A_MINUTE = 60_000 / PAUSE_MS;

/** What page search needs of its surroundings. */
export interface PageSourceOptions extends PagesOptions {
  /** RFC 3339: where nothing was read, reading begins anew no earlier. */
  readonly startTime: string;
  /** Longest range of one search. */
  readonly windowMs: number;
  /** Pause between polls when nothing is new. */
  readonly pollMs: number;
  /** Whether to wait for what is appended, or to end with what is there. */
  readonly follow: boolean;
  readonly observer: PageObserver;
}

/** Who is told about pages, and about what is done to get on. */
export interface PageObserver extends PagesObserver {
  /** Nothing came of a cursor, so reading begins anew at that time without it. */
  cursorDropped(cursor: string, time: string): void;
  /**
   * A cursor says that there is more and shows nothing, however it is asked, and is
   * not waited for any longer: the range up to that time counts as read.
   */
  promiseBroken(cursor: string, until: string): void;
  /** The window begins in the future, so reading begins anew at the other time. */
  clockSetBack(start: string, time: string): void;
  /** So many pages in a row were empty although their cursor moves on. */
  emptyPages(count: number): void;
  /**
   * An event, at least, of that range is too large for the server and is left out.
   * Reading goes on once this resolves; what it rejects with ends the reading.
   */
  steppedOver(range: TimeRange, error: TeleportError): Promise<void>;
}

/** What one search brought, and where it leads. */
interface Found extends Batch<PagePosition> {
  /** There was nothing more up to now. */
  readonly atEnd: boolean;
  /** How long to wait before the next search; 0 only where there is more at once. */
  readonly pauseMs: number;
}

/** What was searched for. */
interface Search {
  readonly from: PagePosition;
  /** Where reading is, where that is ahead of the position. */
  readonly at: PagePosition;
  readonly range: TimeRange;
  readonly reachMs: number;
  readonly windowEndMs: number;
  readonly nowMs: number;
}

/** What comes of asking for a range. */
interface Answer {
  readonly page: Page | Blocked | "cursor refused";
  readonly range: TimeRange;
  /** No event of the page, be it shown or not, is newer. */
  readonly reachMs: number;
}

/** What is remembered from one search to the next. */
interface Trail {
  /** When events came last, or the cursor was dropped. */
  trustedMs: number;
  /** How often the cursor was dropped in this window since an event came. */
  dropped: number;
  /** So many pages in a row moved the cursor and brought no event. */
  emptyPages: number;
  /** A cursor of one of them: when it comes again, they go round in circles. */
  emptyCursor: string;
  /** What may still get company is not asked for, until there is nothing else. */
  settledOnly: boolean;
  readonly ahead: ReadAhead;
}

/** Reads the audit log by page search. */
export class PageSource implements Source<PagePosition> {
  readonly #options: PageSourceOptions;
  /** In whole seconds, as positions are. */
  readonly #windowMs: number;
  /** With half a window, the next one has not ended by the time this one is over. */
  readonly #settleMs: number;
  readonly #pages: Pages;

  constructor(options: PageSourceOptions) {
    this.#options = options;
    this.#windowMs = Math.ceil(options.windowMs / 1_000) * 1_000;
    this.#settleMs = Math.min(SETTLE_MS, this.#windowMs / 2);
    this.#pages = new Pages(options);
  }

  /** See `Source.read`; the next page is fetched while this one is delivered. */
  async *read(
    from: PagePosition,
    stop: AbortSignal,
  ): AsyncGenerator<Batch<PagePosition>> {
    const { clock, follow } = this.#options;
    const abandon = new AbortController();
    const signal = AbortSignal.any([stop, abandon.signal]);
    const trail: Trail = {
      trustedMs: clock.monotonic(),
      dropped: 0,
      emptyPages: 0,
      emptyCursor: "",
      settledOnly: false,
      ahead: new ReadAhead(this.#settleMs),
    };
    try {
      for (let next = this.#search(from, trail, signal);;) {
        const found = await next;
        if (stop.aborted) return;
        if (found.more && found.pauseMs === 0) {
          next = this.#search(found.position, trail, signal);
          // It may fail while the batch is delivered, and is awaited after that.
          next.catch(() => {});
          yield found;
          continue;
        }
        const nowMs = clock.now();
        const isOld = nowMs - (found.askedMs ?? nowMs) >= OLD_ANSWER_MS;
        yield found;
        if (!isOld) {
          if (found.atEnd && !follow) return;
          await clock.sleep(found.pauseMs, signal);
        }
        next = this.#search(found.position, trail, signal);
      }
    } catch (error) {
      if (!isAbort(error, stop)) throw error;
    } finally {
      abandon.abort();
    }
  }

  /** Asks for the page at a position, and says where to go on. */
  async #search(
    from: PagePosition,
    trail: Trail,
    signal: AbortSignal,
  ): Promise<Found> {
    const startMs = Date.parse(from.start);
    const nowMs = this.#options.clock.now();
    const isOurs = newestBefore(from) !== undefined;
    // In which window a cursor from elsewhere is, nobody knows.
    const windowEndMs = isOurs ? secondOf(startMs) + this.#windowMs : Infinity;
    const { ahead } = trail;
    const known = this.#lastKnown(from);
    if (isOurs && startMs > nowMs && Date.parse(known.time) <= nowMs) {
      goBack(trail);
      return turn(this.#beforeFuture(from, known), []);
    }
    if (ahead.isOver(nowMs)) goBack(trail);
    const at = ahead.from(from);
    const { page, range, reachMs } = await this.#ask(
      { at, windowEndMs, nowMs },
      trail,
      signal,
    );
    if (page === "cursor refused") {
      // The pages that have led to it come again, and are no circle. A server may
      // refuse each cursor, and then they come again each time.
      trail.emptyPages = 0;
      return turn(ahead.jump(from, this.#withoutCursor(at)), [], PAUSE_MS);
    }
    if ("skipped" in page) {
      if (!ahead.isAhead) return await this.#stepOver(page, from);
      // What is before it is settled by now, and is to be passed first.
      goBack(trail);
      return turn(from, []);
    }
    const search = { from, at, range, reachMs, windowEndMs, nowMs };
    return { ...this.#look(page, search, trail), release: page.release };
  }

  /**
   * Asks for a page. One that does not tell how far it reaches might reach to where
   * events are still to come: then all that is settled is asked for before it.
   */
  async #ask(
    { at, windowEndMs, nowMs }: Pick<Search, "at" | "windowEndMs" | "nowMs">,
    trail: Trail,
    signal: AbortSignal,
  ): Promise<Answer> {
    const ask = async (endMs: number): Promise<Answer> => {
      const range = rangeOf(at, Math.min(windowEndMs, endMs));
      const page = await this.#pages.fetch(range, at, signal);
      const reachMs = isPage(page) ? this.#reachOf(page, range) : range.endMs;
      return { page, range, reachMs };
    };
    // A whole second, since some servers look at nothing else.
    const settledMs = secondOf(nowMs - this.#settleMs);
    if (trail.settledOnly) {
      const settled = await ask(settledMs);
      if (!isLast(settled, at)) return settled;
      trail.settledOnly = false;
      release(settled);
      return await ask(nowMs);
    }
    const answer = await ask(nowMs);
    const { page, range, reachMs } = answer;
    const isVague = isPage(page) && reachMs === range.endMs &&
      !isLast(answer, at);
    const someIsSettled = range.startMs < settledMs && settledMs < range.endMs;
    if (!isVague || !someIsSettled || trail.ahead.isAhead) return answer;
    const settled = await ask(settledMs);
    trail.settledOnly = !isLast(settled, at);
    release(trail.settledOnly ? answer : settled);
    return trail.settledOnly ? settled : answer;
  }

  /** See `Answer.reachMs`: a server may show only the types that it is asked for. */
  #reachOf({ events }: Page, range: TimeRange): number {
    const newestMs = newestMsOf(events, range);
    const isTold = newestMs !== -Infinity && this.#options.types.length === 0;
    return isTold ? newestMs : range.endMs;
  }

  /** What a page brings, and where it leads. */
  #look(
    page: Page,
    { from: asked, at, range, reachMs, windowEndMs, nowMs }: Search,
    trail: Trail,
  ): Found {
    const { clock, pollMs } = this.#options;
    const { ahead } = trail;
    const { events, lastKey } = page;
    const { fresh, unshown } = compareWithSeen(events, at.seen);
    const isOurs = newestBefore(at) !== undefined;
    const from = isOurs ? asked : this.#placed(asked, fresh, range);
    const newest = newestOf(fresh, range, from.newest);
    if (fresh.length > 0) {
      trail.trustedMs = clock.monotonic();
      trail.dropped = 0;
    }

    const circles = this.#countEmptyPages(trail, page, at);
    if (lastKey !== "" && lastKey !== at.cursor && !circles) {
      const full = {
        lastKey,
        fresh,
        unshown,
        isEmpty: events.length === 0,
        reachMs,
        before: unshown.length === 0 && newest !== null
          ? undefined
          : newestOf(events, range, newestBefore(at)),
      };
      const turned = ahead.turn(from, full, nowMs);
      return turn(
        turned === from ? from : { ...turned, newest },
        fresh,
        trail.emptyPages < EMPTY_PAGES_AT_ONCE ? 0 : PAUSE_MS,
      );
    }
    trail.emptyPages = 0;
    trail.settledOnly = false;
    // The very same position where nothing is new: nothing has to be saved.
    const position = fresh.length === 0
      ? from
      : { ...ahead.add(from, fresh), newest };
    const overMs = windowEndMs + this.#settleMs;
    const over = overMs <= nowMs;
    if (over && ahead.isAhead) {
      goBack(trail);
      return turn(position, fresh);
    }
    const leadsNowhere = at.cursor !== "" &&
      (events.length === 0 || lastKey !== "");
    if (leadsNowhere && isOurs && this.#distrusts(trail, over)) {
      trail.trustedMs = clock.monotonic();
      trail.dropped++;
      const place = this.#withoutCursor(ahead.from(position));
      return turn(ahead.jump(position, place), fresh);
    }
    if (leadsNowhere && lastKey !== "" && (over || !this.#options.follow)) {
      this.#options.observer.promiseBroken(at.cursor, rfc3339(range.endMs));
    }
    if (over) {
      trail.dropped = 0;
      const left = { ...position, seen: unshown };
      return turn(this.#nextWindow(left, windowEndMs, nowMs), fresh);
    }
    return {
      events: fresh,
      position,
      more: false,
      askedMs: Math.min(nowMs, windowEndMs),
      atEnd: windowEndMs > nowMs,
      pauseMs: Math.min(
        pollMs,
        // It is read again as a whole, and so not for every event of its own.
        fresh.length === 0 ? Infinity : PAUSE_MS,
        windowEndMs > nowMs ? Infinity : overMs - nowMs,
      ),
    };
  }

  /**
   * A cursor from elsewhere is where the first events are that it shows: what is
   * older is before it, or would come too late. In a window that ends before them,
   * it would show nothing.
   */
  #placed(
    from: PagePosition,
    fresh: readonly AuditEvent[],
    range: TimeRange,
  ): PagePosition {
    const startMs = secondOf(oldestMsOf(fresh, range) - this.#settleMs);
    if (startMs === Infinity || startMs <= range.startMs) return from;
    return { ...from, start: rfc3339(startMs) };
  }

  /**
   * Whether a cursor that leads nowhere is dropped: where this would end a window
   * or the run, a few times, and otherwise after some time without an event.
   */
  #distrusts({ dropped, trustedMs }: Trail, over: boolean): boolean {
    const { follow, clock } = this.#options;
    return follow && !over
      ? clock.monotonic() - trustedMs >= CURSOR_TRUST_MS
      : dropped < MAX_DROPS;
  }

  /**
   * The newest second before the cursor, from its beginning, less what of it, and
   * behind the cursor, was read; no earlier than the window, since what was before
   * it is read to the end.
   */
  #withoutCursor(at: PagePosition): Place {
    const startMs = Date.parse(at.start);
    const before = newestBefore(at);
    const begun = before !== undefined && before !== null &&
      Date.parse(before.time) >= secondOf(startMs);
    const start = begun && Date.parse(before.time) > startMs
      ? before.time
      : at.start;
    const keys = begun ? before.keys : [];
    this.#options.observer.cursorDropped(at.cursor, start);
    return { start, cursor: "", seen: [...keys, ...at.seen] };
  }

  /**
   * Counts pages in a row that are empty although their cursor moves on.
   *
   * @returns Whether their cursors go round in circles
   */
  #countEmptyPages(
    trail: Trail,
    { events, lastKey }: Page,
    from: PagePosition,
  ): boolean {
    if (events.length > 0 || lastKey === "" || lastKey === from.cursor) {
      trail.emptyPages = 0;
      return false;
    }
    const count = ++trail.emptyPages;
    if (count > 1 && lastKey === trail.emptyCursor) return true;
    // After R. P. Brent: one cursor is kept, and replaced at each power of two.
    if ((count & (count - 1)) === 0) trail.emptyCursor = lastKey;
    if (count === EMPTY_PAGES_AT_ONCE || count % EMPTY_PAGES_A_MINUTE === 0) {
      this.#options.observer.emptyPages(count);
    }
    return false;
  }

  /**
   * The window after one that is over. Our clock may be ahead of the server's, and
   * then the end of this one has not come yet: where the newest event is recent,
   * the next window begins with it, and otherwise half a window ago at the latest.
   * What an earlier run, with longer windows, has read beyond the end is going to be
   * shown again, maybe with events before it.
   *
   * @param position `seen`: what this window did not show
   */
  #nextWindow(
    position: PagePosition,
    endMs: number,
    nowMs: number,
  ): PagePosition {
    const { kind, start, seen, newest } = position;
    const newestMs = newest === null ? -Infinity : Date.parse(newest.time);
    const readBeyond = newestMs >= endMs;
    const recent = newestMs + this.#windowMs + this.#settleMs > nowMs;
    if (
      newest !== null && recent && !readBeyond && newestMs > Date.parse(start)
    ) {
      return {
        kind,
        start: newest.time,
        cursor: "",
        seen: newest.keys,
        newest,
      };
    }
    const startMs = readBeyond
      ? endMs
      : Math.min(endMs, secondOf(nowMs - this.#windowMs / 2));
    return {
      kind,
      start: rfc3339(startMs),
      cursor: "",
      seen: readBeyond ? seen : [],
      newest,
    };
  }

  /** Windows were left before their time, by a clock that was set back since. */
  #beforeFuture(
    { start, newest }: PagePosition,
    { time, keys }: NewestEvents,
  ): PagePosition {
    this.#options.observer.clockSetBack(start, time);
    return { kind: "page", start: time, cursor: "", seen: keys, newest };
  }

  /** Behind which nothing was read, whatever our clock has led to. */
  #lastKnown({ newest }: PagePosition): NewestEvents {
    return newest ?? { time: this.#options.startTime, keys: [] };
  }

  /**
   * Goes on behind an event that the server cannot answer with. It may have come
   * late, and before events that were read.
   */
  async #stepOver(
    { skipped, after, error }: Blocked,
    from: PagePosition,
  ): Promise<Found> {
    await this.#options.observer.steppedOver(skipped, error);
    const before = newestBefore(from);
    const known = before?.time === rfc3339(secondOf(skipped.startMs))
      ? [...before.keys, ...from.seen]
      : from.seen;
    const { fresh } = compareWithSeen(after, known);
    const start = rfc3339(skipped.endMs);
    // A server that knows times by the second only shows its events once more.
    const sameSecond = secondOf(skipped.endMs) === secondOf(skipped.startMs);
    const position: PagePosition = {
      kind: "page",
      start,
      cursor: "",
      seen: sameSecond
        ? [...known, ...fresh.map(eventKey)]
        : compareWithSeen(after, from.seen).unshown,
      newest: newestOf(fresh, skipped, from.newest),
    };
    return turn(position, fresh);
  }
}

/** Reading goes on from the position; pages that come again by that are no circle. */
function goBack(trail: Trail): void {
  trail.ahead.goBack();
  trail.emptyPages = 0;
}

/** There is more at once. */
function turn(
  position: PagePosition,
  events: readonly AuditEvent[],
  pauseMs = 0,
): Found {
  return { events, position, more: true, atEnd: false, pauseMs };
}

/** Never before the start, even where that is in the future. */
function rangeOf({ start }: PagePosition, endMs: number): TimeRange {
  const startMs = Date.parse(start);
  return { startMs, endMs: Math.max(endMs, startMs + 1) };
}

function isPage(page: Answer["page"]): page is Page {
  return page !== "cursor refused" && !("skipped" in page);
}

/** Whether its cursor leads to nothing more. */
function isLast({ page }: Answer, { cursor }: PagePosition): boolean {
  return isPage(page) && (page.lastKey === "" || page.lastKey === cursor);
}

function release({ page }: Answer): void {
  if (isPage(page)) page.release?.();
}
