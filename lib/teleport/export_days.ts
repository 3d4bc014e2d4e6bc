/**
 * Which days of the audit log are looked at, and which of their chunks are read.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { ExportPosition } from "../event.ts";
import {
  type FailedAttempt,
  retry,
  type RetryPolicy,
} from "../pipeline/retry.ts";
import { Slots } from "../pipeline/slots.ts";
import type { ChunkRequest } from "./client.ts";
import type { ChunkEvents } from "./event_batches.ts";
import { dateOf, dayAfter, type Step } from "./export_position.ts";
import type { Handoff } from "./handoff.ts";
import { LOOK_BACK_MS, type OpenDay, openDay } from "./open_day.ts";
import { ChunkGoneError, readChunk } from "./read_chunk.ts";

/** What it takes to read days and chunks. */
export interface ExportDaysOptions {
  readonly listChunks: (
    dayMs: number,
    signal: AbortSignal,
  ) => Promise<readonly string[]>;
  readonly exportEvents: (
    request: ChunkRequest,
    signal: AbortSignal,
  ) => AsyncGenerator<ChunkEvents>;
  /** Chunks read at once. */
  readonly concurrency: number;
  /** Pause between looking for new chunks. */
  readonly pollMs: number;
  /** Whether to wait for chunks to come, or to end with what is there. */
  readonly follow: boolean;
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  readonly observer: ExportObserver;
}

/** Who is told about chunks. */
export interface ExportObserver {
  /** An answer came, and none is being waited for in vain. */
  worked(): void;
  /** The list of a day's chunks, or one of them, failed and is asked for again. */
  failed(
    failed: FailedAttempt,
    about: { readonly day: string; readonly chunk?: string },
  ): void;
  /** The server refuses the cursor of a chunk, of which all is read again. */
  cursorRefused(about: { readonly day: string; readonly chunk: string }): void;
  /**
   * Chunks that are not read to their end are on no list of their day any more, and
   * the day is over. It is forgotten once this resolves; what it rejects with ends
   * the reading.
   */
  gone(
    about: { readonly day: string; readonly chunks: readonly string[] },
  ): Promise<void>;
  /**
   * The date is before the one that reading had come to: days that were taken to be
   * over are looked at again, from the other one on.
   */
  clockSetBack(date: string, from: string): void;
}

/** What the days offer: how a position moves, or that nothing is left to read. */
export type Offer =
  | Step
  | {
    readonly kind: "caught up";
    /** When the days were listed. */
    readonly askedMs: number;
    /** There will be nothing more, either. */
    readonly last: boolean;
  };

/** Where to tell what happens, and when to end. */
export interface ExportDaysSurroundings {
  readonly steps: Handoff<Offer>;
  readonly signal: AbortSignal;
  /** The newest event that was read, as the position has it. */
  readonly newest: () => ExportPosition["newest"];
}

/**
 * The days of one run.
 *
 * Our clock may be wrong, so the log has the last word: a day of which something
 * was read stays until it was listed after an event that was read is later than
 * any chunk of that day. What else our clock has led to is put right whenever a run
 * begins and whenever the date changes: then all days in doubt are looked at again.
 */
export class ExportDays {
  readonly #options: ExportDaysOptions;
  readonly #steps: Handoff<Offer>;
  readonly #signal: AbortSignal;
  readonly #newest: ExportDaysSurroundings["newest"];
  readonly #slots: Slots;
  readonly #days = new Map<string, OpenDay>();
  readonly #chunks = new Set<Promise<void>>();
  /** What is asked for in vain just now. */
  readonly #failing = new Set<string>();
  /** When the last round began. */
  #askedMs = 0;
  /** The date of the last round. */
  #today: string | undefined;
  /** Every day was listed, and nothing but time brings more chunks. */
  #resting = false;

  constructor(
    from: ExportPosition,
    options: ExportDaysOptions,
    { steps, signal, newest }: ExportDaysSurroundings,
  ) {
    this.#options = options;
    this.#steps = steps;
    this.#signal = signal;
    this.#newest = newest;
    this.#slots = new Slots(options.concurrency);
    const names = Object.keys(from.days).sort();
    if (names.length === 0) throw new RangeError("A position without a day");
    for (const name of names) {
      this.#days.set(name, openDay(name, from.days[name]));
    }
  }

  /**
   * Offers one step after the other until the signal aborts, or, unless it is to
   * follow, all there is was read; a failure ends the steps. Returns with nothing
   * left that is under way.
   */
  async read(): Promise<void> {
    try {
      while (await this.#round());
    } catch (error) {
      this.#steps.end(error);
    }
    await Promise.all(this.#chunks);
  }

  /** Lists all days once; whether there is to be another round. */
  async #round(): Promise<boolean> {
    const { follow, pollMs, clock } = this.#options;
    // One time for all of it: what a wrong one leads to, the next round sees.
    const nowMs = this.#askedMs = clock.now();
    const { between, next } = this.#heedDate(nowMs);
    // First, as once something later is read, and kept, nothing tells of them.
    for (const name of between) await this.#open(name);
    let found = 0;
    for (const day of [...this.#days.values()]) {
      found += await this.#list(day, nowMs);
    }
    for (const name of next) {
      found += await this.#list(await this.#open(name), nowMs);
      for (const other of [...this.#days.values()]) {
        if (other.complete) found += await this.#list(other, nowMs);
      }
    }
    if (!follow) await Promise.all(this.#chunks);
    // Lists that were waited for into the next day, as through an outage, lack that one.
    if (dateOf(clock.now()) !== dateOf(nowMs)) return true;
    if (!follow) {
      // The last round has found nothing, after everything else was read.
      if (found > 0) return true;
      await this.#tellCaughtUp(true);
      return false;
    }
    this.#resting = true;
    await this.#tellIfCaughtUp();
    await clock.sleep(pollMs, this.#signal);
    this.#resting = false;
    return true;
  }

  /**
   * Where the date is another than in the last round, no day is believed to be
   * complete any more; says which days are to be opened again, between others, and
   * which to be opened behind all of them.
   */
  #heedDate(
    nowMs: number,
  ): { readonly between: readonly string[]; readonly next: readonly string[] } {
    const today = dateOf(nowMs);
    if (today === this.#today) return { between: [], next: [] };
    const latest = [...this.#days.keys()].sort().at(-1) ?? today;
    const before = this.#today ?? latest;
    const from = this.#firstInDoubt(nowMs);
    this.#today = today;
    for (const day of this.#days.values()) day.complete = false;
    if (today < before && from <= today) {
      this.#options.observer.clockSetBack(before, from);
    }
    const missing = datesOf(earlier(from, dayAfter(latest)), today)
      .filter((name) => !this.#days.has(name));
    return {
      between: missing.filter((name) => name < latest),
      next: missing.filter((name) => name > latest),
    };
  }

  async #open(name: string): Promise<OpenDay> {
    const day = openDay(name);
    this.#days.set(name, day);
    await this.#steps.offer({ kind: "day begun", day: name });
    return day;
  }

  /** From then on a day that is not open may be one that was dropped too early. */
  #firstInDoubt(nowMs: number): string {
    const today = dateOf(nowMs);
    const days = [...this.#days.values()].sort((one, other) =>
      one.startMs - other.startMs
    );
    const first = days[0]?.name ?? today;
    const newestMs = this.#newestMs();
    // Another program may have read something, and is done with days before that.
    if (newestMs === -Infinity) return days.findLast(isTouched)?.name ?? first;
    const growing = dateOf(Math.min(newestMs, nowMs) - LOOK_BACK_MS);
    if (first <= today) return later(first, growing);
    // Of a clock that is behind at the start, nothing has come.
    const wasAhead = this.#today !== undefined && this.#today > today;
    return wasAhead || newestMs <= nowMs ? growing : first;
  }

  /** Begins the chunks of a day that are not known yet; says how many. */
  async #list(day: OpenDay, nowMs: number): Promise<number> {
    const settled = this.#newestMs() >= day.completeMs;
    if (day.complete && day.settled === settled) {
      await this.#endIfOver(day);
      return 0;
    }
    const { listChunks, policy, clock } = this.#options;
    const signal = this.#signal;
    const about = { day: day.name };
    const names = await retry(() => listChunks(day.startMs, signal), {
      policy,
      clock,
      signal,
      isFinal: () => false,
      onFailure: (failed) => this.#failed(failed, about),
    });
    this.#worked(about);
    let found = 0;
    for (const chunk of names) {
      if (day.known.has(chunk)) continue;
      await this.#slots.acquire(signal);
      this.#begin(day, chunk);
      found++;
    }
    day.complete = nowMs >= day.completeMs;
    day.settled = settled;
    await this.#endIfOver(day);
    return found;
  }

  #begin(day: OpenDay, chunk: string): void {
    const cursor = day.begun.get(chunk) ?? "";
    day.begun.delete(chunk);
    day.known.add(chunk);
    day.reading++;
    const task = this.#readChunk(day, chunk, cursor)
      .catch((error) => this.#steps.end(error))
      .finally(() => {
        this.#slots.release();
        this.#chunks.delete(task);
      });
    this.#chunks.add(task);
  }

  async #readChunk(
    day: OpenDay,
    chunk: string,
    cursor: string,
  ): Promise<void> {
    const { listChunks, observer } = this.#options;
    const signal = this.#signal;
    const about = { day: day.name, chunk };
    const batches = readChunk({ dayMs: day.startMs, chunk, cursor }, {
      ...this.#options,
      isListed: async () =>
        (await listChunks(day.startMs, signal)).includes(chunk),
      onFailure: (failed) => this.#failed(failed, about),
      onCursorRefused: () => observer.cursorRefused(about),
    }, signal);
    let at = cursor;
    try {
      for await (const batch of batches) {
        this.#worked(about);
        await this.#steps.offer({ kind: "events", ...about, ...batch });
        at = batch.cursor;
      }
      this.#worked(about);
      await this.#steps.offer({ kind: "chunk read", ...about });
    } catch (error) {
      if (!(error instanceof ChunkGoneError)) throw error;
      this.#worked(about);
      // Begun again where it was, should it be listed once more.
      day.known.delete(chunk);
      day.begun.set(chunk, at);
    }
    day.reading--;
    await this.#endIfOver(day);
    await this.#tellIfCaughtUp();
  }

  async #endIfOver(day: OpenDay): Promise<void> {
    const { name, begun } = day;
    if (!this.#isOver(day) || !this.#days.delete(name)) return;
    if (begun.size > 0) {
      await this.#options.observer.gone({
        day: name,
        chunks: [...begun.keys()],
      });
    }
    await this.#steps.offer({ kind: "day over", day: name });
  }

  #isOver(day: OpenDay): boolean {
    const days = this.#days;
    // The only day stays, for it tells which one is next.
    if (day.reading > 0 || days.size === 1) return false;
    const today = this.#today ?? day.name;
    // A clock that was ahead has begun it.
    if (day.name > today) return !isTouched(day) && days.has(today);
    if (!day.complete) return false;
    // The first one tells from when on days may have been dropped too early, and
    // stays until the next one that may still grow is there to do so.
    const isFirst = !days.keys().some((name) => name < day.name);
    const newestMs = this.#newestMs();
    return day.settled
      ? !isFirst || days.has(dateOf(newestMs - LOOK_BACK_MS))
      : !isFirst && !isTouched(day) && day.startMs > newestMs;
  }

  /** Time of the newest event that was read. */
  #newestMs(): number {
    const newest = this.#newest();
    return newest === null ? -Infinity : Date.parse(newest.time);
  }

  async #tellIfCaughtUp(): Promise<void> {
    const reading = this.#days.values().some(({ reading }) => reading > 0);
    if (!this.#resting || reading) return;
    await this.#tellCaughtUp(false);
  }

  async #tellCaughtUp(last: boolean): Promise<void> {
    const askedMs = this.#askedMs;
    await this.#steps.offer({ kind: "caught up", askedMs, last });
  }

  #failed(
    failed: FailedAttempt,
    about: { readonly day: string; readonly chunk?: string },
  ): void {
    this.#failing.add(keyOf(about));
    this.#options.observer.failed(failed, about);
  }

  /** One that works does not mean that the others do. */
  #worked(about: { readonly day: string; readonly chunk?: string }): void {
    this.#failing.delete(keyOf(about));
    if (this.#failing.size === 0) this.#options.observer.worked();
  }
}

/** Whether some of it was read. */
function isTouched({ known, begun }: OpenDay): boolean {
  return known.size + begun.size > 0;
}

/** From one date to another, both of them too. */
function datesOf(first: string, last: string): string[] {
  const dates = [];
  for (let date = first; date <= last; date = dayAfter(date)) dates.push(date);
  return dates;
}

function earlier(one: string, other: string): string {
  return one < other ? one : other;
}

function later(one: string, other: string): string {
  return one < other ? other : one;
}

function keyOf({ day, chunk }: { day: string; chunk?: string }): string {
  return JSON.stringify([day, chunk]);
}
