/**
 * How a value is refused: quoted, with what is wrong and what to write instead.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";

/** @param complaint Goes on after the value, e.g. `is not a size: write it like 1MiB` */
export function refusal(text: string, complaint: string): ConfigError {
  return new ConfigError([`${JSON.stringify(text)} ${complaint}`]);
}
