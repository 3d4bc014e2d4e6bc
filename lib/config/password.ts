/**
 * Passwords of private keys.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";
import { readFile } from "./file.ts";
import { single, type ValueType } from "./value_type.ts";

// What OpenSSL, and with it Fluentd's Ruby, takes as a passphrase.
const SHORTEST = 4;
const LONGEST = 1023;

/**
 * Checks a password.
 *
 * @throws {ConfigError} which never quotes it
 */
export function checkPassword(password: string): string {
  // What other encodings have become by now: another password.
  if (password.includes("\uFFFD")) {
    throw new ConfigError([
      "the password is not written in UTF-8: convert it, or take another one",
    ]);
  }
  if (/\p{Cc}/u.test(password)) {
    throw new ConfigError([
      "the password has a line break or another control character in it",
    ]);
  }
  const { length } = new TextEncoder().encode(password);
  if (length < SHORTEST) {
    throw new ConfigError([
      `the password is too short: OpenSSL takes none below ${SHORTEST} characters`,
    ]);
  }
  if (length > LONGEST) {
    throw new ConfigError([
      `the password is too long: OpenSSL takes none over ${LONGEST} bytes`,
    ]);
  }
  return password;
}

/** A password, or with `@/path` the content of a file without its last line end. */
export const PASSWORD: ValueType<string> = single(
  "PASSWORD",
  (text, context) =>
    checkPassword(
      text.startsWith("@")
        ? readFile(text.slice(1), context).replace(/\r?\n$/, "")
        : text,
    ),
);
