/**
 * A line on the terminal that says how far a long run is.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Counters } from "./counters.ts";
import { formatAge } from "./format_age.ts";
import { formatCount } from "./format_number.ts";

const REDRAW_MS = 250;
/** Back to the first column, and clear to the end of the line (ECMA-48). */
const CLEAR = "\r\x1b[K";
/** A line that is too long for the terminal is cut, for only one can be cleared (DECAWM). */
const NO_WRAP = "\x1b[?7l";
const WRAP = "\x1b[?7h";

/** Keeps one line at the bottom of the terminal, below what is logged. */
export class ProgressLine implements Disposable {
  readonly #counters: Counters;
  readonly #clock: Clock;
  readonly #write: (text: string) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #shown = "";
  #deliveredBefore = 0;
  #drawnMs: number;

  constructor(
    counters: Counters,
    options: { clock: Clock; write: (text: string) => void },
  ) {
    this.#counters = counters;
    this.#clock = options.clock;
    this.#write = options.write;
    this.#drawnMs = options.clock.monotonic();
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
  }

  /** Writes whole lines above the progress line. */
  print(lines: string): void {
    this.#write(CLEAR + lines + this.#line());
  }

  /** Removes the line and stops drawing. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#write(CLEAR);
    this.#shown = "";
  }

  #draw(): void {
    const nowMs = this.#clock.monotonic();
    const { delivered } = this.#counters;
    const perSecond = (delivered - this.#deliveredBefore) * 1_000 /
      Math.max(1, nowMs - this.#drawnMs);
    this.#deliveredBefore = delivered;
    this.#drawnMs = nowMs;
    this.#shown = formatProgress(
      this.#counters,
      perSecond,
      this.#clock.now(),
    );
    this.#write(CLEAR + this.#line());
  }

  #line(): string {
    return this.#shown === "" ? "" : NO_WRAP + this.#shown + WRAP;
  }
}

/**
 * The text of the line: what arrived, how fast, up to when, and how far behind,
 * where events come in the order of their time.
 */
export function formatProgress(
  { delivered, newestMs, inOrder, upToDate, upToDateMs }: Pick<
    Counters,
    "delivered" | "newestMs" | "inOrder" | "upToDate" | "upToDateMs"
  >,
  perSecond: number,
  nowMs: number,
): string {
  const parts = [
    `${formatCount(delivered)} delivered`,
    `${formatCount(Math.round(perSecond))} events/s`,
  ];
  if (newestMs > 0) {
    parts.push(`last event ${new Date(newestMs).toISOString().slice(0, 19)}Z`);
  }
  if (upToDate) parts.push("up to date");
  else if (newestMs > 0 && inOrder) {
    const knownMs = Math.max(newestMs, upToDateMs);
    parts.push(`${formatAge(nowMs - knownMs)} behind`);
  }
  return parts.join(" · ");
}
