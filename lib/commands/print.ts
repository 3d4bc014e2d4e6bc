/**
 * Standard output.
 *
 * @module
 */

import { describe } from "../errors.ts";

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
