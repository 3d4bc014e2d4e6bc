/**
 * A source of bulk export over a log in memory, with a clock that a test moves.
 *
 * @module
 */

import type { Batch, ExportDay, ExportPosition } from "../../lib/event.ts";
import {
  ExportSource,
  type ExportSourceOptions,
} from "../../lib/teleport/export_source.ts";
import { FakeClock, turn } from "../fakes/fake_clock.ts";
import { never } from "../fakes/never.ts";
import { ScriptedChunks } from "./scripted_chunks.ts";

export const TODAY = "2026-03-01";
export const YESTERDAY = "2026-02-28";
export const POLL_MS = 5_000;
export const DAY_MS = 24 * 60 * 60_000;
/** A day of which nothing is read. */
export const NO_CHUNKS: ExportDay = { done: [], cursors: {} };

/** The clock begins at noon of `TODAY`. */
export function setUp(options: Partial<ExportSourceOptions> = {}) {
  const log = new ScriptedChunks();
  const clock = new FakeClock();
  const told: string[] = [];
  const create = (more: Partial<ExportSourceOptions> = {}) =>
    new ExportSource({
      listChunks: log.listChunks,
      exportEvents: log.exportEvents,
      types: [],
      startTime: "2026-01-01T00:00:00Z",
      concurrency: 3,
      pollMs: POLL_MS,
      follow: false,
      policy: { initialMs: 500, maxMs: 30_000, timeoutMs: undefined },
      clock,
      observer: {
        worked: () => told.push("worked"),
        failed: ({ attempt }, { day, chunk }) =>
          told.push(`failed ${chunk ?? day} ${attempt}`),
        cursorRefused: ({ day, chunk }) => told.push(`refused ${day} ${chunk}`),
        gone({ day, chunks }) {
          told.push(`gone ${day} ${chunks.toSorted().join(" ")}`);
          return Promise.resolve();
        },
        clockSetBack: (day, from) =>
          told.push(`set back from ${day}, looking again from ${from}`),
      },
      ...options,
      ...more,
    });
  return {
    log,
    clock,
    told,
    create,
    /** Reads to the end of what is there. */
    readAll: (from: ExportPosition) =>
      clock.runUntil(Array.fromAsync(create().read(from, never()))),
    /** Reads on and on. */
    follow: (from: ExportPosition) =>
      new Reading(clock, (stop) => create({ follow: true }).read(from, stop)),
  };
}

/** A position at which nothing of these days is read. */
export function from(...days: readonly string[]): ExportPosition {
  return fromDays(
    Object.fromEntries(days.map((day) => [day, { done: [], cursors: {} }])),
  );
}

export function fromDays(
  days: Readonly<Record<string, ExportDay>>,
): ExportPosition {
  return { kind: "export", days, newest: null };
}

export function idsOf(batches: readonly Batch[]): string[] {
  return batches.flatMap(({ events }) => events.map(({ id }) => id));
}

/** A consumer that takes all it can get. */
export class Reading implements AsyncDisposable {
  readonly batches: Batch<ExportPosition>[] = [];
  readonly stop = new AbortController();
  readonly ended: Promise<void>;
  readonly #clock: FakeClock;

  constructor(
    clock: FakeClock,
    read: (stop: AbortSignal) => AsyncIterable<Batch<ExportPosition>>,
  ) {
    this.#clock = clock;
    this.ended = this.#collect(read(this.stop.signal));
    this.ended.catch(() => {});
  }

  get ids(): string[] {
    return idsOf(this.batches);
  }

  get position(): ExportPosition | undefined {
    return this.batches.at(-1)?.position;
  }

  /** Resolves once everything is waiting for time to pass. */
  async settled(sleepers = 1): Promise<void> {
    await this.#clock.untilSleeping(sleepers);
    for (let turns = 0; turns < 20; turns++) await turn();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.ended;
  }

  async #collect(
    batches: AsyncIterable<Batch<ExportPosition>>,
  ): Promise<void> {
    for await (const batch of batches) this.batches.push(batch);
  }
}
