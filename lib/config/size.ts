/**
 * Sizes in bytes, with binary and decimal units.
 *
 * @module
 */

import { refusal } from "./refusal.ts";
import { single, type ValueType } from "./value_type.ts";

const UNIT_BYTES = new Map([
  ["gib", 2 ** 30],
  ["mib", 2 ** 20],
  ["kib", 2 ** 10],
  ["gb", 1e9],
  ["mb", 1e6],
  ["kb", 1e3],
  ["b", 1],
  ["", 1],
]);

/**
 * Reads `1MiB`, `512KiB`, `1.5MB` or plain bytes; case does not count.
 *
 * @returns Bytes, rounded down
 * @throws {ConfigError} where it is something else or negative
 */
export function parseSize(text: string): number {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text) ?? [];
  const unitBytes = UNIT_BYTES.get(unit.toLowerCase());
  if (amount === undefined || unitBytes === undefined) {
    throw refusal(
      text,
      text.startsWith("-")
        ? "is negative: a size cannot be"
        : "is not a size: write it like 512KiB, 1MiB, 10MB or 65536",
    );
  }
  return Math.floor(Number(amount) * unitBytes);
}

/** An amount of bytes within bounds. */
export function size(
  bounds: { readonly min: string; readonly max: string },
): ValueType<number> {
  const min = parseSize(bounds.min);
  const max = parseSize(bounds.max);
  return single("SIZE", (text) => {
    const bytes = parseSize(text);
    if (bytes < min) {
      throw refusal(text, `is too small: at least ${bounds.min}`);
    }
    if (bytes > max) throw refusal(text, `is too large: at most ${bounds.max}`);
    return bytes;
  });
}
