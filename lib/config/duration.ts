/**
 * Durations in Go's form, as the Go handler's users write them.
 *
 * @module
 */

import { refusal } from "./refusal.ts";
import { single, type ValueType } from "./value_type.ts";

const UNIT_MS = new Map([
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
  ["us", 1e-3],
  ["\u00b5s", 1e-3],
  ["\u03bcs", 1e-3],
  ["ns", 1e-6],
]);

const PART = /(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|\u00b5s|\u03bcs|ns)/g;
// Go takes a plus, too, and both signs that are written for micro.
const DURATION = new RegExp(`^\\+?(?:${PART.source})+$`);

/**
 * Reads `5s`, `1m30s`, `1.5h`, `300ms` or `0`.
 *
 * @returns Milliseconds, rounded
 * @throws {ConfigError} where it is something else, negative, or without a unit
 */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  if (!DURATION.test(text)) throw refusal(text, complaint(text));
  let ms = 0;
  for (const [, amount, unit = ""] of text.matchAll(PART)) {
    ms += Number(amount) * (UNIT_MS.get(unit) ?? NaN);
  }
  return Math.round(ms);
}

function complaint(text: string): string {
  if (/^\d+(\.\d+)?$/.test(text)) {
    return `has no unit: write ${text}s, ${text}m or ${text}h`;
  }
  if (text.startsWith("-")) return "is negative: a duration cannot be";
  return "is not a duration: write it like 5s, 1m30s or 24h";
}

/** A span of time within bounds, in milliseconds. */
export function duration(
  bounds: { readonly min: string; readonly max: string },
): ValueType<number> {
  const min = parseDuration(bounds.min);
  const max = parseDuration(bounds.max);
  return single("DURATION", (text) => {
    const ms = parseDuration(text);
    if (ms < min) throw refusal(text, `is too short: at least ${bounds.min}`);
    if (ms > max) throw refusal(text, `is too long: at most ${bounds.max}`);
    return ms;
  });
}
