/**
 * The audit log by page search: one page after the other, oldest first.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type {
  AuditEvent,
  Batch,
  NewestEvents,
  PagePosition,
  Position,
} from "../event.ts";
import type { Source } from "../pipeline/ports.ts";
import {
  type FailedAttempt,
  retry,
  type RetryPolicy,
} from "../pipeline/retry.ts";
import type { Page, PageRequest } from "./client.ts";
import { TeleportError } from "./errors.ts";
import { compareWithSeen } from "./seen_events.ts";

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
interface Found extends Batch {
  readonly position: PagePosition;
  /** There was nothing more up to now. */
  readonly atEnd: boolean;
  /** The cursor does not lead on, although it may have to. */
  readonly stuck: boolean;
}

/** Reads the audit log by page search. */
export class PageSource implements Source {
  readonly #options: PageSourceOptions;
  #pageSize: number;

  constructor(options: PageSourceOptions) {
    this.#options = options;
    this.#pageSize = options.pageSize ?? MIN_PAGE_SIZE;
  }

  /** See `Source.read`; the next page is fetched while this one is delivered. */
  async *read(from: Position, stop: AbortSignal): AsyncGenerator<Batch> {
    const { clock, follow, pollMs } = this.#options;
    const abandon = new AbortController();
    const signal = AbortSignal.any([stop, abandon.signal]);
    let emptyPages = 0;
    let trustedMs = clock.now();
    let dropped = false;
    try {
      for (let next = this.#search(from, signal);;) {
        const found = await next;
        emptyPages = found.events.length === 0 ? emptyPages + 1 : 0;
        if (found.events.length > 0) {
          trustedMs = clock.now();
          dropped = false;
        }
        if (found.more && emptyPages < EMPTY_PAGES_AT_ONCE) {
          next = this.#search(found.position, signal);
          // It may fail while the batch is delivered, and is awaited after that.
          next.catch(() => {});
          yield found;
          continue;
        }
        yield found;
        const untrusted = found.stuck &&
          (follow ? clock.now() - trustedMs >= CURSOR_TRUST_MS : !dropped);
        if (!follow && found.atEnd && !untrusted) return;
        if (found.more) await clock.sleep(EMPTY_PAGE_PAUSE_MS, signal);
        else if (emptyPages > 0 && (follow || !untrusted)) {
          await clock.sleep(pollMs, signal);
        }
        if (untrusted) {
          trustedMs = clock.now();
          dropped = true;
        }
        next = this.#search(
          untrusted ? this.#withoutCursor(found.position) : found.position,
          signal,
        );
      }
    } catch (error) {
      if (!(stop.aborted && error === stop.reason)) throw error;
    } finally {
      abandon.abort();
    }
  }

  /** Asks for the page at a position, and says where to go on. */
  async #search(from: PagePosition, signal: AbortSignal): Promise<Found> {
    const { windowMs, clock } = this.#options;
    const startMs = Date.parse(from.start);
    const windowEndMs = startMs + windowMs;
    const nowMs = clock.now();
    const { events, lastKey } = await this.#fetch({
      startMs,
      endMs: Math.min(windowEndMs, nowMs),
      cursor: from.cursor,
    }, signal);
    const { fresh, freshKeys, unshown } = compareWithSeen(events, from.seen);
    const newest = newestOf(fresh, freshKeys, from.newest);

    if (lastKey !== "" && lastKey !== from.cursor) {
      return {
        events: fresh,
        position: { ...from, cursor: lastKey, seen: unshown, newest },
        more: true,
        atEnd: false,
        stuck: false,
      };
    }
    const settleMs = Math.min(SETTLE_MS, windowMs);
    if (lastKey === "" && windowEndMs + settleMs <= nowMs) {
      const start = rfc3339(windowEndMs);
      return {
        events: fresh,
        position: { kind: "page", start, cursor: "", seen: [], newest },
        more: true,
        atEnd: false,
        stuck: false,
      };
    }
    return {
      events: fresh,
      // The very same position where nothing is new: nothing has to be saved.
      position: fresh.length === 0
        ? from
        : { ...from, seen: [...from.seen, ...freshKeys], newest },
      more: false,
      atEnd: windowEndMs > nowMs,
      stuck: from.cursor !== "" && (events.length === 0 || lastKey !== ""),
    };
  }

  /** The newest event's second, from its beginning, less what of it was read. */
  #withoutCursor(position: PagePosition): PagePosition {
    const { start, cursor, newest } = position;
    const time = newest?.time ?? start;
    this.#options.observer.cursorDropped(cursor, time);
    return {
      kind: "page",
      start: time,
      cursor: "",
      seen: newest?.keys ?? [],
      newest,
    };
  }

  async #fetch(
    range: Pick<PageRequest, "startMs" | "endMs" | "cursor">,
    signal: AbortSignal,
  ): Promise<Page> {
    const { getEvents, types, policy, clock, observer } = this.#options;
    return await retry(async () => {
      while (true) {
        const limit = this.#pageSize;
        try {
          const page = await getEvents({ ...range, types, limit }, signal);
          observer.page(page.events.length, limit);
          if (page.events.length >= limit) this.#grow();
          return page;
        } catch (error) {
          const shrinks = error instanceof TeleportError &&
            error.pageTooLarge && limit > 1;
          if (!shrinks) throw error;
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

function newestOf(
  fresh: readonly AuditEvent[],
  freshKeys: readonly string[],
  before: NewestEvents | null,
): NewestEvents | null {
  let newestMs = before === null ? -Infinity : Date.parse(before.time);
  for (const { timeMs } of fresh) newestMs = Math.max(newestMs, timeMs);
  if (newestMs === -Infinity) return null;
  const secondMs = Math.floor(newestMs / 1_000) * 1_000;
  const time = rfc3339(secondMs);
  const keys = freshKeys.filter((_, i) => (fresh[i]?.timeMs ?? 0) >= secondMs);
  if (before?.time !== time) return { time, keys };
  return keys.length === 0 ? before : { time, keys: [...before.keys, ...keys] };
}

function rfc3339(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(".000Z", "Z");
}
