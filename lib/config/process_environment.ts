/**
 * What the process may see of its environment.
 *
 * @module
 */

import { environmentVariable } from "../environment_variable.ts";
import { ConfigError } from "../errors.ts";
import type { CommandName } from "./commands.ts";
import {
  canStandIn,
  environmentNames,
  OPTION_NAMES,
  takes,
} from "./options.ts";

const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ_"];

/**
 * The environment variables that matter to a command. A program that may read only
 * names with certain prefixes cannot list what there is, so that it asks for the
 * names that it knows and, to find misspelt ones, for those that are alike.
 *
 * @returns Name and value of those that are set, and `HOME`
 * @throws {ConfigError} naming those that are no text
 */
export function readProcessEnvironment(
  command: CommandName,
): Record<string, string> {
  const isRead = OPTION_NAMES.some((name) =>
    takes(command, name) && canStandIn("environment", name)
  );
  if (!isRead) return {};
  if (Deno.permissions.querySync({ name: "env" }).state === "granted") {
    return Deno.env.toObject();
  }
  const set: Record<string, string> = readHome();
  const problems = new Set<string>();
  for (const name of OPTION_NAMES.flatMap(environmentNames)) {
    // Tens of thousands: to have each but once would take longer than to ask twice.
    for (const candidate of alike(name)) {
      try {
        const value = environmentVariable(candidate);
        if (value !== undefined) set[candidate] = value;
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        for (const problem of error.problems) problems.add(problem);
      }
    }
  }
  if (problems.size > 0) throw new ConfigError([...problems]);
  return set;
}

/** Not an option: nobody is to be kept from running by what it holds. */
function readHome(): Record<string, string> {
  try {
    const HOME = environmentVariable("HOME");
    return HOME === undefined ? {} : { HOME };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return {};
  }
}

/**
 * The name itself, and behind its prefix with one letter too many, too few or
 * another, with two letters swapped, with a word left out, and with what people
 * commonly write instead.
 */
function* alike(name: string): Generator<string> {
  yield name;
  yield name.replace(/_ADDR$/, "_ADDRESS");
  yield name.replace("_FLUENTD_", "_FORWARD_FLUENTD_");
  const start = name.indexOf("_") + 1;
  for (let i = start; i <= name.length; i++) {
    const before = name.slice(0, i);
    const letter = name.slice(i, i + 1);
    const after = name.slice(i + 1);
    for (const other of LETTERS) {
      // A letter twice comes of the next place, and one for itself is the name.
      if (other === letter) continue;
      yield before + other + letter + after;
      if (letter !== "") yield before + other + after;
    }
    if (letter === "") continue;
    yield before + after;
    yield before + after.slice(0, 1) + letter + after.slice(1);
  }
  const words = name.slice(start).split("_");
  for (const i of words.keys()) {
    if (words.length > 1) {
      yield name.slice(0, start) + words.toSpliced(i, 1).join("_");
    }
  }
}
