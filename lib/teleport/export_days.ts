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
import { type OpenDay, openDay } from "./open_day.ts";
import { readChunk } from "./read_chunk.ts";

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
  /** A chunk that was begun is on no list of its day any more, and the day is over. */
  gone(about: { readonly day: string; readonly chunk: string }): void;
}

/** What the days offer: how a position moves, or that nothing is left to read. */
export type Offer =
  | Step
  | {
    readonly kind: "caught up";
    /** There will be nothing more, either. */
    readonly last: boolean;
  };

/** Where to tell what happens, and when to end. */
export interface ExportDaysSurroundings {
  readonly steps: Handoff<Offer>;
  readonly signal: AbortSignal;
}

/** The days of one run. */
export class ExportDays {
  readonly #options: ExportDaysOptions;
  readonly #steps: Handoff<Offer>;
  readonly #signal: AbortSignal;
  readonly #slots: Slots;
  readonly #days = new Map<string, OpenDay>();
  readonly #chunks = new Set<Promise<void>>();
  /** What is asked for in vain just now. */
  readonly #failing = new Set<string>();
  #latest: OpenDay;
  /** Every day was listed, and nothing but time brings more chunks. */
  #resting = false;

  constructor(
    from: ExportPosition,
    options: ExportDaysOptions,
    { steps, signal }: ExportDaysSurroundings,
  ) {
    this.#options = options;
    this.#steps = steps;
    this.#signal = signal;
    this.#slots = new Slots(options.concurrency);
    const names = Object.keys(from.days).sort();
    const days = names.map((name) => openDay(name, from.days[name]));
    for (const day of days) this.#days.set(day.name, day);
    const latest = days.at(-1);
    if (latest === undefined) throw new RangeError("A position without a day");
    this.#latest = latest;
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
    let found = 0;
    for (const day of [...this.#days.values()]) found += await this.#list(day);
    while (this.#latest.name < dateOf(clock.now())) {
      const before = this.#latest;
      this.#latest = openDay(dayAfter(before.name));
      this.#days.set(this.#latest.name, this.#latest);
      await this.#steps.offer({ kind: "day begun", day: this.#latest.name });
      await this.#endIfOver(before);
      found += await this.#list(this.#latest);
    }
    if (!follow) {
      await Promise.all(this.#chunks);
      // The last round has found nothing, after everything else was read.
      if (found > 0) return true;
      await this.#steps.offer({ kind: "caught up", last: true });
      return false;
    }
    this.#resting = true;
    await this.#tellIfCaughtUp();
    await clock.sleep(pollMs, this.#signal);
    this.#resting = false;
    return true;
  }

  /** Begins the chunks of a day that are not known yet; says how many. */
  async #list(day: OpenDay): Promise<number> {
    if (day.complete) return 0;
    const { listChunks, policy, clock } = this.#options;
    const signal = this.#signal;
    const complete = clock.now() >= day.completeMs;
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
    day.complete = complete;
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
    const about = { day: day.name, chunk };
    const batches = readChunk({ dayMs: day.startMs, chunk, cursor }, {
      ...this.#options,
      onFailure: (failed) => this.#failed(failed, about),
    }, this.#signal);
    for await (const batch of batches) {
      this.#worked(about);
      await this.#steps.offer({ kind: "events", ...about, ...batch });
    }
    this.#worked(about);
    await this.#steps.offer({ kind: "chunk read", ...about });
    day.reading--;
    await this.#endIfOver(day);
    await this.#tellIfCaughtUp();
  }

  /** The latest day stays, for it tells which one is next. */
  async #endIfOver(day: OpenDay): Promise<void> {
    const { name, complete, reading, begun } = day;
    if (!complete || reading > 0 || day === this.#latest) return;
    if (!this.#days.delete(name)) return;
    for (const chunk of begun.keys()) {
      this.#options.observer.gone({ day: name, chunk });
    }
    await this.#steps.offer({ kind: "day over", day: name });
  }

  async #tellIfCaughtUp(): Promise<void> {
    const reading = this.#days.values().some(({ reading }) => reading > 0);
    if (!this.#resting || reading) return;
    await this.#steps.offer({ kind: "caught up", last: false });
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

function keyOf({ day, chunk }: { day: string; chunk?: string }): string {
  return JSON.stringify([day, chunk]);
}
