/**
 * Names of files in one directory.
 *
 * @module
 */

import { refusal } from "./refusal.ts";

/**
 * Checks a name that others are made of, by an extension.
 *
 * @throws {ConfigError} where it may lead elsewhere, or would have to be quoted
 */
export function checkFileName(name: string): void {
  if (/^\w[\w.-]*$/.test(name)) return;
  throw refusal(
    name,
    'is not a plain file name: use letters, digits, ".", "-" and "_"',
  );
}
