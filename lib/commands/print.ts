/**
 * Standard output.
 *
 * @module
 */

import { PROGRAM } from "../config/commands.ts";
import { describe } from "../errors.ts";
import { printableLines } from "../printable.ts";

/**
 * Writes text to standard output, whole.
 *
 * @throws {Error} saying that it is standard output that takes nothing
 */
export function print(text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let written = 0; written < bytes.length;) {
      written += Deno.stdout.writeSync(bytes.subarray(written));
    }
  } catch (cause) {
    throw new Error(`cannot write to standard output: ${describe(cause)}`, {
      cause,
    });
  }
}

/** Writes to standard error what is wrong, with the program's name before each. */
export function complain(problems: readonly string[]): void {
  const lines = problems.map((problem) => `${PROGRAM}: ${problem}\n`).join("");
  Deno.stderr.writeSync(new TextEncoder().encode(printableLines(lines)));
}
