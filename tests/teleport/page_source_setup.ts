/**
 * A source of pages, the log that it reads, and what it was told of that.
 *
 * @module
 */

import type { Batch, PagePosition } from "../../lib/event.ts";
import type { FailedAttempt } from "../../lib/pipeline/retry.ts";
import { TeleportError } from "../../lib/teleport/errors.ts";
import {
  PageSource,
  type PageSourceOptions,
} from "../../lib/teleport/page_source.ts";
import { FakeClock, turn } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";
import { WrongClock } from "../fakes/wrong_clock.ts";
import { ScriptedLog } from "./scripted_log.ts";

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
/** How often a source that follows asks for more. */
export const POLL_MS = 5 * SECOND_MS;
/** When each test begins. */
export const NOW_MS = Date.parse("2026-03-01T12:00:00Z");

/** What a server says of a cursor that it does not know. */
export const UNKNOWN_CURSOR = new TeleportError(
  "failed to parse page key",
  "INVALID_ARGUMENT",
);

/** Of retrying, for ever. */
export const POLICY = { initialMs: 500, maxMs: 30_000, timeoutMs: undefined };

/** A source, the log that it reads, and what it told its observer. */
export function setUp(
  options: Partial<PageSourceOptions> = {},
  nowMs = NOW_MS,
) {
  const clock = new WrongClock(nowMs);
  const log = new ScriptedLog();
  const limits: number[] = [];
  const shrunk: number[] = [];
  const dropped: string[] = [];
  const told: string[] = [];
  const failed: FailedAttempt[] = [];
  const create = (follow: boolean) =>
    new PageSource({
      getEvents: async (request, signal) => {
        const page = await log.getEvents(request, signal);
        limits.push(request.limit);
        return page;
      },
      types: [],
      pageSize: undefined,
      startTime: "2026-01-01T00:00:00Z",
      windowMs: DAY_MS,
      pollMs: POLL_MS,
      policy: POLICY,
      clock,
      observer: {
        worked() {},
        shrunk: (limit) => shrunk.push(limit),
        cursorDropped: (_cursor, time) => dropped.push(time),
        promiseBroken: (cursor) => told.push(`broken promise of ${cursor}`),
        clockSetBack: (start, time) =>
          told.push(`set back from ${start} to ${time}`),
        emptyPages: (count) => told.push(`${count} empty pages`),
        steppedOver({ startMs, endMs }) {
          const [from, to] = [startMs, endMs].map((timeMs) =>
            new Date(timeMs).toISOString()
          );
          told.push(`left out ${from} to ${to}`);
          return Promise.resolve();
        },
        failed: (attempt) => failed.push(attempt),
      },
      ...options,
      follow,
    });
  return {
    ...{ clock, log, limits, shrunk, dropped, told, failed },
    source: create(true),
    /** Reads to the end. */
    readAll: (position: PagePosition) =>
      clock.runUntil(Array.fromAsync(create(false).read(position, never()))),
    /** Reads in the background. */
    follow: (position: PagePosition) =>
      new Reading(clock, (stop) => create(true).read(position, stop)),
  };
}

/** A reader in the background, which keeps what it reads. */
class Reading implements AsyncDisposable {
  readonly batches: Batch<PagePosition>[] = [];
  readonly #clock: FakeClock;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(
    clock: FakeClock,
    read: (stop: AbortSignal) => AsyncIterable<Batch<PagePosition>>,
  ) {
    this.#clock = clock;
    this.#done = this.#collect(read(this.#stop.signal));
  }

  get ids(): string[] {
    return idsOf(this.batches);
  }

  /** Resolves once the source waits for time to pass. */
  untilPolling(): Promise<void> {
    return this.#clock.untilSleeping();
  }

  async advance(ms: number): Promise<void> {
    for (let i = 0; i < 5; i++) await turn();
    await this.#clock.advance(ms);
  }

  /** Resolves once the source has ended. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error("stopped"));
    await this.#done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #collect(batches: AsyncIterable<Batch<PagePosition>>): Promise<void> {
    for await (const batch of batches) this.batches.push(batch);
  }
}

/** What runs have read, and the position that a state file would have. */
export class Kept {
  readonly ids: string[] = [];
  position: PagePosition;

  constructor(position: PagePosition) {
    this.position = position;
  }

  take(batches: readonly Batch<PagePosition>[]): void {
    this.ids.push(...idsOf(batches));
    const { position = this.position } = batches.at(-1) ?? {};
    this.position = JSON.parse(JSON.stringify(position));
  }
}

/** The position of a first run. */
export function from(startMs: number): PagePosition {
  const start = new Date(startMs).toISOString().replace(".000Z", "Z");
  return { kind: "page", start, cursor: "", seen: [], newest: null };
}

/** So many times, one after the other. */
export function times(
  count: number,
  startMs: number,
  stepMs = SECOND_MS,
): number[] {
  return Array.from({ length: count }, (_, i) => startMs + i * stepMs);
}

/** The ids of what was read. */
export function idsOf(batches: readonly Batch[]): string[] {
  return batches.flatMap(({ events }) => events.map(({ id }) => id));
}

/** The ids of what is in the log. */
export function idsIn(log: ScriptedLog): string[] {
  return log.events.map(({ id }) => id);
}
