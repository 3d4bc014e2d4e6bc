/**
 * What options have to do with each other.
 *
 * @module
 */

import type { CommandName } from "./commands.ts";
import {
  environmentNames,
  OPTION_NAMES,
  type OptionName,
  optionOf,
  takes,
} from "./options.ts";
import type { Setting } from "./setting.ts";

type Given = ReadonlyMap<OptionName, Setting>;

/** Options that were given and do not go together, or not without another one. */
export function conflicts(given: Given): string[] {
  const problems: string[] = [];
  for (const [name, { origin }] of given) {
    const { excludes = [], needs = [] } = optionOf(name);
    for (const other of excludes) {
      const setting = given.get(other);
      if (setting === undefined) continue;
      problems.push(
        `${origin}: cannot be given together with ${setting.origin}: leave one out`,
      );
    }
    const lacking = needs.filter((other) => !given.has(other));
    if (lacking.length > 0 && !isExcluded(name, given)) {
      problems.push(`${origin}: needs ${lacking.join(" and ")} as well`);
    }
  }
  return problems;
}

function isExcluded(name: OptionName, given: Given): boolean {
  return [...given.keys()].some((other) =>
    optionOf(other).excludes?.includes(name)
  );
}

/** Options that the command cannot do without. */
export function missing(
  command: CommandName,
  given: Given,
  isDryRun: boolean,
): string[] {
  const problems: string[] = [];
  if (takes(command, "teleport-identity")) {
    const { excludes: files = [] } = optionOf("teleport-identity");
    if (!given.has("teleport-identity") && !files.some((it) => given.has(it))) {
      problems.push(
        `teleport-identity is missing: ${waysToGive("teleport-identity")}; or ${
          files.join(", ")
        } instead`,
      );
    }
  }
  if (isDryRun) return problems;
  for (const name of OPTION_NAMES) {
    if (given.has(name) || !optionOf(name).required?.includes(command)) {
      continue;
    }
    problems.push(`${name} is missing: ${waysToGive(name)}`);
  }
  return problems;
}

function waysToGive(name: OptionName): string {
  const [variable] = environmentNames(name);
  return `give --${name}, ${variable}, or ${name} in the TOML file`;
}
