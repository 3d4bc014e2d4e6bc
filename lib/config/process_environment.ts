/**
 * What the process may see of its environment.
 *
 * @module
 */

import { environmentNames, OPTION_NAMES } from "./options.ts";

/**
 * The environment variables that matter here. A program that may read only names
 * with certain prefixes cannot list what there is, so that it asks for the names
 * that it knows and, to find misspelt ones, for those that differ by a letter left
 * out or two letters swapped.
 *
 * @returns Name and value of those that are set
 */
export function readProcessEnvironment(): Record<string, string> {
  if (Deno.permissions.querySync({ name: "env" }).state === "granted") {
    return Deno.env.toObject();
  }
  const set: Record<string, string> = {};
  for (const name of OPTION_NAMES.flatMap(environmentNames)) {
    for (const candidate of [name, ...misspellings(name)]) {
      const value = Deno.env.get(candidate);
      if (value !== undefined) set[candidate] = value;
    }
  }
  return set;
}

/** The name behind its prefix with one letter left out, or two swapped. */
function misspellings(name: string): string[] {
  const prefix = name.slice(0, name.indexOf("_") + 1);
  const letters = name.slice(prefix.length);
  return Array.from(letters, (letter, i) => {
    const before = prefix + letters.slice(0, i);
    const after = letters.slice(i + 1);
    return [
      before + after,
      before + after.slice(0, 1) + letter + after.slice(1),
    ];
  }).flat();
}
