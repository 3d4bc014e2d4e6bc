/**
 * How fast, and how far behind, over the last hour; in memory.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { HistoryPoint } from "./status_report.ts";

const MINUTE_MS = 60_000;
/** Points of an hour. */
const MAX_POINTS = 60;
/** The present rate is that of so long. */
const RATE_MS = 10_000;

interface Sample {
  /** By `Clock.monotonic`. */
  readonly atMs: number;
  readonly delivered: number;
}

/** Keeps a point for each minute, and enough to tell the present rate. */
export class History {
  readonly #clock: Clock;
  readonly #points: HistoryPoint[] = [];
  #recent: Sample[];
  /** Where the minute began. */
  #minute: Sample;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#minute = this.#now(0);
    this.#recent = [this.#minute];
  }

  /** Takes note of how things are; to be called every second or so. */
  sample(delivered: number, lagSeconds: number | null): void {
    const now = this.#now(delivered);
    this.#recent.push(now);
    // One sample at least that old is kept.
    const first = this.#recent.findLastIndex(({ atMs }) =>
      atMs <= now.atMs - RATE_MS
    );
    if (first > 0) this.#recent.splice(0, first);
    if (now.atMs - this.#minute.atMs < MINUTE_MS) return;
    this.#points.push(this.#point(now, lagSeconds));
    if (this.#points.length > MAX_POINTS) this.#points.shift();
    this.#minute = now;
  }

  /** Events per second just now. */
  rate(delivered: number): number {
    const [first = this.#minute] = this.#recent;
    return rateSince(first, this.#now(delivered));
  }

  /** The points, oldest first, and last that of the minute that is not over. */
  report(delivered: number, lagSeconds: number | null): HistoryPoint[] {
    return [...this.#points, this.#point(this.#now(delivered), lagSeconds)];
  }

  #now(delivered: number): Sample {
    return { atMs: this.#clock.monotonic(), delivered };
  }

  /** The minute, as far as it has gone. */
  #point(now: Sample, lagSeconds: number | null): HistoryPoint {
    return {
      time: new Date(this.#clock.now()).toISOString(),
      eventsPerSecond: rateSince(this.#minute, now),
      lagSeconds,
    };
  }
}

/** With two digits after the point. */
function rateSince(before: Sample, now: Sample): number {
  const ms = now.atMs - before.atMs;
  if (ms <= 0) return 0;
  return Math.round((now.delivered - before.delivered) * 100_000 / ms) / 100;
}
