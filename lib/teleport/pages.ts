/**
 * One page after the other: asked for until there is an answer, in the size that
 * the server can answer with.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { PagePosition } from "../event.ts";
import {
  type FailedAttempt,
  retry,
  type RetryPolicy,
} from "../pipeline/retry.ts";
import { secondOf } from "../rfc3339.ts";
import type { PageRequest } from "./client.ts";
import type { Page } from "./decode_events.ts";
import { TeleportError } from "./errors.ts";
import {
  findWayAround,
  type TimeRange,
  type WayAround,
} from "./oversized_event.ts";

/** Page sizes where none is configured; the smallest is the Go handler's default. */
const MIN_PAGE_SIZE = 20;
/** The largest where none is configured. */
export const MAX_PAGE_SIZE = 1_000;
/** Events reach the log late: nothing is final only so long after its time. */
export const SETTLE_MS = 10_000;
/** When so many events in a row are too large, it is not they that are at fault. */
const MAX_STEPPED_OVER = 10;

/** What it takes to get pages. */
export interface PagesOptions {
  readonly getEvents: (
    request: PageRequest,
    signal: AbortSignal,
  ) => Promise<Page>;
  /** Only these event types; all where empty. */
  readonly types: readonly string[];
  /** Events per page; undefined: as many as pages come back with, within bounds. */
  readonly pageSize: number | undefined;
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  readonly observer: PagesObserver;
}

/** Who is told about pages. */
export interface PagesObserver {
  /** A page came. */
  worked(): void;
  /** A page was too large for the server and is asked for with a smaller limit. */
  shrunk(limit: number, error: TeleportError): void;
  failed(failed: FailedAttempt): void;
}

/** The next event is too large, and there is a way around it. */
export interface Blocked extends WayAround {
  readonly error: TeleportError;
}

/** Asks for pages, and remembers their size. */
export class Pages {
  readonly #options: PagesOptions;
  #pageSize: number;
  /** Where the range ends that was left out last. */
  #leftOutMs: number | undefined;
  /** Ranges left out in a row, without an event that could be read. */
  #leftOut = 0;

  constructor(options: PagesOptions) {
    this.#options = options;
    this.#pageSize = options.pageSize ?? MIN_PAGE_SIZE;
  }

  /**
   * Asks until there is an answer. A server that keeps its log elsewhere since
   * the last time refuses its old cursors; where nothing was read yet, it is the
   * user's cursor, and not ours to drop.
   *
   * @throws {GaveUpError} where the policy's time is up
   */
  async fetch(
    range: TimeRange,
    { cursor, newest, before }: PagePosition,
    signal: AbortSignal,
  ): Promise<Page | Blocked | "cursor refused"> {
    const { policy, clock, observer } = this.#options;
    return await retry(async () => {
      while (true) {
        const limit = this.#pageSize;
        try {
          return await this.#ask({ ...range, cursor, limit }, signal);
        } catch (error) {
          if (!(error instanceof TeleportError)) throw error;
          if (
            error.status === "INVALID_ARGUMENT" && cursor !== "" &&
            (newest !== null || before !== undefined)
          ) return "cursor refused";
          if (!error.pageTooLarge) {
            throw cursor === "" ? error : withRemedy(error);
          }
          if (limit === 1) {
            return await this.#findWayAround(range, cursor, { error, signal });
          }
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

  async #ask(
    request: Omit<PageRequest, "types">,
    signal: AbortSignal,
  ): Promise<Page> {
    const { getEvents, types, observer } = this.#options;
    const page = await getEvents({ ...request, types }, signal);
    const { length } = page.events;
    observer.worked();
    if (length >= request.limit) this.#grow();
    if (length > 0) this.#leftOut = 0;
    return page;
  }

  /** @throws `error`, where nothing may be left out for it (yet) */
  async #findWayAround(
    range: TimeRange,
    cursor: string,
    { error, signal }: { error: TeleportError; signal: AbortSignal },
  ): Promise<Blocked> {
    const { getEvents, types, clock } = this.#options;
    if (this.#leftOut >= MAX_STEPPED_OVER) throw error;
    const nowMs = clock.now();
    const found = await findWayAround(
      { range, cursor, lastEndMs: this.#leftOutMs },
      (request) => getEvents({ ...request, types }, signal),
    );
    if (found === undefined) throw error;
    // What was newer when it was looked for may have got company since, or still get
    // some, that would be left out with it.
    if (found.skipped.endMs > secondOf(nowMs - SETTLE_MS)) throw error;
    this.#leftOutMs = found.skipped.endMs;
    this.#leftOut++;
    return { ...found, error };
  }

  #grow(): void {
    const max = this.#options.pageSize ?? MAX_PAGE_SIZE;
    this.#pageSize = Math.min(max, 2 * this.#pageSize);
  }
}

/** Says what to do where it is the user's cursor that is refused. */
function withRemedy(error: TeleportError): TeleportError {
  const { message, status } = error;
  if (status !== "INVALID_ARGUMENT") return error;
  return new TeleportError(
    `${message}: if it refuses the cursor that reading began with, which the option cursor has set or ` +
      "the Go handler has left: stop this program, move state.json, and cursor where that is there, " +
      "out of the state directory, and begin at another cursor, or without one at start-time",
    status,
    { cause: error },
  );
}
