/**
 * Variables of the process's environment.
 *
 * @module
 */

import { ConfigError } from "./errors.ts";

/**
 * What a variable holds; undefined where it is not set.
 *
 * @throws {ConfigError} naming one that is no text; what it holds is not told, since
 * that may be a secret
 */
export function environmentVariable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
    throw new ConfigError([`${name}: is not written in UTF-8`]);
  }
}
