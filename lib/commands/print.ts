/**
 * Standard output and standard error.
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
  try {
    writeWhole(Deno.stdout, text);
  } catch (cause) {
    throw new Error(`cannot write to standard output: ${describe(cause)}`, {
      cause,
    });
  }
}

/**
 * Writes text to standard error. Where that takes nothing, as a terminal that is
 * gone or a full disk, nobody can be told, and what is done goes on.
 */
export function tell(text: string): void {
  try {
    writeWhole(Deno.stderr, text);
  } catch {
    // See above.
  }
}

/** Writes to standard error what is wrong, with the program's name before each. */
export function complain(problems: readonly string[]): void {
  const lines = problems.map((problem) => `${PROGRAM}: ${problem}\n`).join("");
  tell(printableLines(lines));
}

function writeWhole(
  stream: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) {
    written += stream.writeSync(bytes.subarray(written));
  }
}
