/**
 * How a value is refused: quoted, with what is wrong and what to write instead.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";

/**
 * A user name and what may be a password, before an `@`, are left out.
 *
 * @param complaint Goes on after the value, e.g. `is not a size: write it like 1MiB`
 */
export function refusal(text: string, complaint: string): ConfigError {
  const shown = JSON.stringify(text.replace(/^.*:(?![/\\]).*@/s, "***@"));
  return new ConfigError([`${shown} ${complaint}`]);
}
