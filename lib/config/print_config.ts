/**
 * Every value that holds, and where it came from.
 *
 * @module
 */

import type { EffectiveOption } from "./read_options.ts";

/** One line for each option: name, value, origin. Secrets are masked already. */
export function printConfig(effective: readonly EffectiveOption[]): string {
  const nameWidth = Math.max(...effective.map(({ name }) => name.length));
  const textWidth = Math.max(...effective.map(({ text }) => text.length));
  return effective.map(({ name, text, origin }) =>
    `${name.padEnd(nameWidth)}  ${text.padEnd(textWidth)}  ${origin}\n`
  ).join("");
}
