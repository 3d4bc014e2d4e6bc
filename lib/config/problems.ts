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

/**
 * Reads each entry of a list.
 *
 * @throws {ConfigError} with the problems of all
 */
export function parseEach<T>(
  entries: readonly string[],
  parse: (entry: string) => T,
): T[] {
  const problems: string[] = [];
  const values = entries.flatMap((entry) => {
    try {
      return [parse(entry)];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return [];
    }
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return values;
}
