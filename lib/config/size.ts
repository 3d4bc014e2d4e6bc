/**
 * Sizes in bytes, with binary and decimal units.
 *
 * @module
 */

import { refusal } from "./refusal.ts";

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

/** Writes bytes in the largest binary unit that needs no fraction. */
export function formatSize(bytes: number): string {
  for (const unit of ["GiB", "MiB", "KiB"]) {
    const count = bytes / (UNIT_BYTES.get(unit.toLowerCase()) ?? NaN);
    if (count >= 1 && Number.isInteger(count)) return `${count}${unit}`;
  }
  return String(bytes);
}
