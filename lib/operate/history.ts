/**
 * How fast, and how far behind, over the last hour; in memory.
 *
 * @module
 */

import type { HistoryPoint } from "./status_report.ts";

const MINUTE_MS = 60_000;
/** Points of an hour. */
const MAX_POINTS = 60;
/** The present rate is that of so long. */
const RATE_MS = 10_000;

interface Sample {
  readonly timeMs: number;
  readonly delivered: number;
}

/** Keeps a point for each minute, and enough to tell the present rate. */
export class History {
  readonly #points: HistoryPoint[] = [];
  #recent: Sample[];
  /** Where the minute began. */
  #minute: Sample;

  constructor(nowMs: number) {
    this.#minute = { timeMs: nowMs, delivered: 0 };
    this.#recent = [this.#minute];
  }

  /** Takes note of how things are; to be called every second or so. */
  sample(now: Sample, lagSeconds: number | null): void {
    this.#recent.push(now);
    // One sample at least that old is kept.
    const first = this.#recent.findLastIndex(({ timeMs }) =>
      timeMs <= now.timeMs - RATE_MS
    );
    if (first > 0) this.#recent.splice(0, first);
    // A clock that is put back must not keep the minute from its end.
    if (Math.abs(now.timeMs - this.#minute.timeMs) < MINUTE_MS) return;
    this.#points.push(pointAt(now, this.#minute, lagSeconds));
    if (this.#points.length > MAX_POINTS) this.#points.shift();
    this.#minute = now;
  }

  /** Events per second just now. */
  rate(now: Sample): number {
    const [first = this.#minute] = this.#recent;
    return rateSince(first, now);
  }

  /** The points, oldest first, and last that of the minute that is not over. */
  report(now: Sample, lagSeconds: number | null): HistoryPoint[] {
    return [...this.#points, pointAt(now, this.#minute, lagSeconds)];
  }
}

function pointAt(
  now: Sample,
  before: Sample,
  lagSeconds: number | null,
): HistoryPoint {
  return {
    time: new Date(now.timeMs).toISOString(),
    eventsPerSecond: rateSince(before, now),
    lagSeconds,
  };
}

/** With two digits after the point. */
function rateSince(before: Sample, now: Sample): number {
  const ms = now.timeMs - before.timeMs;
  if (ms <= 0) return 0;
  return Math.round((now.delivered - before.delivered) * 100_000 / ms) / 100;
}
