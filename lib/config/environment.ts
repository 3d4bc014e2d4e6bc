/**
 * Options in environment variables.
 *
 * @module
 */

import { didYouMean } from "./did_you_mean.ts";
import {
  ENVIRONMENT_PREFIXES,
  environmentNames,
  IGNORED_NAME,
  OPTION_NAMES,
  type OptionName,
  optionOf,
} from "./options.ts";
import type { Setting, Settings } from "./setting.ts";

/**
 * Reads all options from the environment. A variable that is set and blank counts
 * as one that is not set, since templates leave such; except that it empties a list.
 *
 * @param env All variables; those with other prefixes are left alone
 */
export function readEnvironment(
  env: Readonly<Record<string, string>>,
): Settings {
  const byName = new Map<OptionName, Setting>();
  const problems: string[] = [];
  const known: string[] = [];
  for (const name of OPTION_NAMES) {
    const variables = environmentNames(name);
    known.push(...variables);
    const [first, ...others] = variables.filter((variable) =>
      env[variable] || (env[variable] === "" && isList(name))
    );
    if (first === undefined) continue;
    const text = env[first] ?? "";
    for (const other of others) {
      if (env[other] === text) continue;
      problems.push(
        `${first} and ${other} differ, and both mean ${name}: set one of them`,
      );
    }
    byName.set(name, { texts: [text], origin: first });
  }
  for (const variable of Object.keys(env)) {
    const prefix = ENVIRONMENT_PREFIXES.find((it) => variable.startsWith(it));
    if (prefix === undefined || known.includes(variable)) continue;
    if (variable === prefix + IGNORED_NAME.toUpperCase()) continue;
    const likely = known.filter((it) => it.startsWith(prefix));
    problems.push(
      `${variable}: unknown environment variable${
        didYouMean(variable, likely)
      }`,
    );
  }
  return { byName, problems };
}

function isList(name: OptionName): boolean {
  return optionOf(name).type.shape === "list";
}
