/**
 * The audit log by page search: one page after the other, oldest first.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Batch, NewestEvents, PagePosition } from "../event.ts";
import type { Source } from "../pipeline/ports.ts";
import {
  type FailedAttempt,
  retry,
  type RetryPolicy,
} from "../pipeline/retry.ts";
import type { Page, PageRequest } from "./client.ts";
import { TeleportError } from "./errors.ts";
import { compareWithSeen, type Sighting } from "./seen_events.ts";

/** Page sizes where none is configured; the smallest is the Go handler's default. */
const MIN_PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 1_000;
/** Events reach the log late: a window is over only so long after its end. */
const SETTLE_MS = 10_000;
/** A cursor that showed nothing for so long is not trusted any longer. */
const CURSOR_TRUST_MS = 60_000;
/** So many empty pages in a row are turned at full speed. */
const EMPTY_PAGES_AT_ONCE = 20;
const EMPTY_PAGE_PAUSE_MS = 250;
/** A page that grows is read again as a whole, and so not for every event of its own. */
const GROWING_PAGE_PAUSE_MS = 250;
/** Of one second; past it, a dropped cursor may have the oldest of them sent again. */
const MAX_NEWEST_KEYS = 2 * MAX_PAGE_SIZE;

/** What page search needs of its surroundings. */
export interface PageSourceOptions {
  readonly getEvents: (
    request: PageRequest,
    signal: AbortSignal,
  ) => Promise<Page>;
  /** Only these event types; all where empty. */
  readonly types: readonly string[];
  /** Events per page; undefined: as many as pages come back with, within bounds. */
  readonly pageSize: number | undefined;
  /** Longest range of one search. */
  readonly windowMs: number;
  /** Pause between polls when nothing is new. */
  readonly pollMs: number;
  /** Whether to wait for what is appended, or to end with what is there. */
  readonly follow: boolean;
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  readonly observer: PageObserver;
}

/** Who is told about pages. */
export interface PageObserver {
  /** A page came, with so many events, asked for with that limit. */
  page(events: number, limit: number): void;
  /** A page was too large for the server and is asked for with a smaller limit. */
  shrunk(limit: number, error: TeleportError): void;
  /** Nothing came of a cursor, so reading begins anew at that time without it. */
  cursorDropped(cursor: string, time: string): void;
  failed(failed: FailedAttempt): void;
}

/** What one search brought, and where it leads. */
interface Found extends Batch<PagePosition> {
  /** There was nothing more up to now. */
  readonly atEnd: boolean;
  /** How long to wait before the next search, unless there is more at once. */
  readonly pauseMs: number;
}

/** What is remembered from one search to the next. */
interface Trail {
  /** When events came last, or the cursor was dropped. */
  trustedMs: number;
  /** The cursor was dropped in this window, and no event came since. */
  dropped: boolean;
  /** So many pages in a row moved the cursor and brought no event. */
  emptyPages: number;
}

/** Reads the audit log by page search. */
export class PageSource implements Source<PagePosition> {
  readonly #options: PageSourceOptions;
  /** In whole seconds, as positions are. */
  readonly #windowMs: number;
  #pageSize: number;

  constructor(options: PageSourceOptions) {
    this.#options = options;
    this.#windowMs = Math.ceil(options.windowMs / 1_000) * 1_000;
    this.#pageSize = options.pageSize ?? MIN_PAGE_SIZE;
  }

  /** See `Source.read`; the next page is fetched while this one is delivered. */
  async *read(
    from: PagePosition,
    stop: AbortSignal,
  ): AsyncGenerator<Batch<PagePosition>> {
    const { clock, follow } = this.#options;
    const abandon = new AbortController();
    const signal = AbortSignal.any([stop, abandon.signal]);
    const trail = { trustedMs: clock.now(), dropped: false, emptyPages: 0 };
    try {
      for (let next = this.#search(from, trail, signal);;) {
        const found = await next;
        if (stop.aborted) return;
        if (found.more && trail.emptyPages < EMPTY_PAGES_AT_ONCE) {
          next = this.#search(found.position, trail, signal);
          // It may fail while the batch is delivered, and is awaited after that.
          next.catch(() => {});
          yield found;
          continue;
        }
        yield found;
        if (found.atEnd && !follow) return;
        await clock.sleep(found.pauseMs, signal);
        next = this.#search(found.position, trail, signal);
      }
    } catch (error) {
      if (!(stop.aborted && error === stop.reason)) throw error;
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
    const { clock, pollMs } = this.#options;
    const startMs = Date.parse(from.start);
    const windowEndMs = startMs + this.#windowMs;
    const nowMs = clock.now();
    const range = {
      startMs,
      // Never before the start, even where that is in the future.
      endMs: Math.min(windowEndMs, Math.max(nowMs, startMs + 1)),
    };
    const page = await this.#fetch(range, from, signal);
    if (page === "cursor refused") {
      return {
        events: [],
        position: this.#withoutCursor(from),
        more: true,
        atEnd: false,
        pauseMs: EMPTY_PAGE_PAUSE_MS,
      };
    }
    const { events, lastKey } = page;
    const { fresh, freshKeys, unshown } = compareWithSeen(events, from.seen);
    const newest = newestOf({ fresh, freshKeys }, range, from.newest);
    if (fresh.length > 0) {
      trail.trustedMs = clock.now();
      trail.dropped = false;
    }

    const turn = (position: PagePosition): Found => {
      const pauseMs = EMPTY_PAGE_PAUSE_MS;
      return { events: fresh, position, more: true, atEnd: false, pauseMs };
    };
    if (lastKey !== "" && lastKey !== from.cursor) {
      trail.emptyPages = fresh.length === 0 ? trail.emptyPages + 1 : 0;
      return turn({ ...from, cursor: lastKey, seen: unshown, newest });
    }
    trail.emptyPages = 0;
    // The very same position where nothing is new: nothing has to be saved.
    const position = fresh.length === 0
      ? from
      : { ...from, seen: [...from.seen, ...freshKeys], newest };
    // With half a window, the next one has not ended by the time this one is over.
    const overMs = windowEndMs + Math.min(SETTLE_MS, this.#windowMs / 2);
    const over = overMs <= nowMs;
    const leadsNowhere = from.cursor !== "" &&
      (events.length === 0 || lastKey !== "");
    if (leadsNowhere && this.#distrusts(trail, over)) {
      trail.trustedMs = clock.now();
      trail.dropped = true;
      return turn(this.#withoutCursor(position));
    }
    if (over) {
      trail.dropped = false;
      const start = rfc3339(windowEndMs);
      return turn({ ...position, start, cursor: "", seen: [] });
    }
    return {
      events: fresh,
      position,
      more: false,
      atEnd: windowEndMs > nowMs,
      pauseMs: Math.min(
        pollMs,
        fresh.length === 0 ? Infinity : GROWING_PAGE_PAUSE_MS,
        windowEndMs > nowMs ? Infinity : overMs - nowMs,
      ),
    };
  }

  /**
   * Whether a cursor that leads nowhere is dropped: where this would end a window
   * or the run, once, and otherwise after some time without an event.
   */
  #distrusts({ dropped, trustedMs }: Trail, over: boolean): boolean {
    const { follow, clock } = this.#options;
    return follow && !over
      ? clock.now() - trustedMs >= CURSOR_TRUST_MS
      : !dropped;
  }

  /**
   * The newest event's second, from its beginning, less what of it was read; no
   * earlier than the window, since what was before it is read to the end.
   */
  #withoutCursor({ start, cursor, newest }: PagePosition): PagePosition {
    const begun = newest !== null &&
      Date.parse(newest.time) >= Date.parse(start);
    const { time, keys } = begun ? newest : { time: start, keys: [] };
    this.#options.observer.cursorDropped(cursor, time);
    return { kind: "page", start: time, cursor: "", seen: keys, newest };
  }

  /**
   * Asks until there is an answer. A server that keeps its log elsewhere since
   * the last time refuses its old cursors; where nothing was read yet, it is the
   * user's cursor, and not ours to drop.
   */
  async #fetch(
    range: Pick<PageRequest, "startMs" | "endMs">,
    { cursor, newest }: PagePosition,
    signal: AbortSignal,
  ): Promise<Page | "cursor refused"> {
    const { getEvents, types, policy, clock, observer } = this.#options;
    return await retry(async () => {
      while (true) {
        const limit = this.#pageSize;
        try {
          const page = await getEvents(
            { ...range, cursor, types, limit },
            signal,
          );
          observer.page(page.events.length, limit);
          if (page.events.length >= limit) this.#grow();
          return page;
        } catch (error) {
          if (!(error instanceof TeleportError)) throw error;
          if (
            error.status === "INVALID_ARGUMENT" && cursor !== "" &&
            newest !== null
          ) return "cursor refused";
          if (!error.pageTooLarge || limit === 1) throw error;
          this.#pageSize = Math.ceil(limit / 2);
          observer.shrunk(this.#pageSize, error);
        }
      }
    }, {
      policy,
      clock,
      signal,
      isFinal: () => false,
      onFailure: (failed) => observer.failed(failed),
    });
  }

  #grow(): void {
    const max = this.#options.pageSize ?? MAX_PAGE_SIZE;
    this.#pageSize = Math.min(max, 2 * this.#pageSize);
  }
}

/** A time outside the range that was asked for is somebody's mistake, and no help. */
function newestOf(
  { fresh, freshKeys }: Pick<Sighting, "fresh" | "freshKeys">,
  { startMs, endMs }: Pick<PageRequest, "startMs" | "endMs">,
  before: NewestEvents | null,
): NewestEvents | null {
  let newestMs = before === null ? -Infinity : Date.parse(before.time);
  for (const { timeMs } of fresh) {
    if (startMs <= timeMs && timeMs < endMs) {
      newestMs = Math.max(newestMs, timeMs);
    }
  }
  if (newestMs === -Infinity) return null;
  const secondMs = Math.floor(newestMs / 1_000) * 1_000;
  const time = rfc3339(secondMs);
  const keys = freshKeys.filter((_, i) => (fresh[i]?.timeMs ?? 0) >= secondMs);
  if (before?.time !== time) return { time, keys };
  if (keys.length === 0) return before;
  return { time, keys: [...before.keys, ...keys].slice(-MAX_NEWEST_KEYS) };
}

function rfc3339(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(".000Z", "Z");
}
