/**
 * Collecting what is wrong instead of stopping at the first.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";

/**
 * Runs `attempt`. Where that throws a `ConfigError`, its problems are noted, each
 * after the name of the place; other errors are not ours and go on.
 *
 * @returns What `attempt` returned, or `undefined` where it threw
 */
export function noteProblems<T>(
  problems: string[],
  place: string,
  attempt: () => T,
): T | undefined {
  try {
    return attempt();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems.map((problem) => `${place}: ${problem}`));
    return undefined;
  }
}
