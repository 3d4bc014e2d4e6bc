/**
 * Which command is meant.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";
import {
  COMMAND_NAMES,
  type CommandName,
  isCommand,
  PROGRAM,
} from "./commands.ts";
import { didYouMean } from "./did_you_mean.ts";
import { joinValues, readFlags, readHelp } from "./flags.ts";

/** A command, and the words that it has to make sense of. */
export interface Invocation {
  readonly command: CommandName;
  /** Everything else, flags that stood before the command too. */
  readonly args: readonly string[];
}

/**
 * Finds the command. `--help` anywhere means `help` with the command's name as
 * operand; `--version` without a command means `version`, which takes the rest.
 *
 * @param argv As in `Deno.args`
 * @throws {ConfigError} where there is no command, or an unknown one; and for a flag
 * that does not exist, where help is asked for
 */
export function splitCommand(argv: readonly string[]): Invocation {
  const words = joinValues(argv);
  const end = words.indexOf("--");
  const flags = end < 0 ? words : words.slice(0, end);
  const at = flags.findIndex((word) => !word.startsWith("-"));
  const help = readHelp(flags.filter((word) => word !== "--version"));
  if (help.isAsked && help.unknown.length > 0) {
    throw new ConfigError(help.unknown);
  }
  if (at < 0) {
    if (help.isAsked) return { command: "help", args: [] };
    if (flags.includes("--version")) {
      const args = words.toSpliced(words.indexOf("--version"), 1);
      return { command: "version", args };
    }
    throw new ConfigError([
      `no command: write for example ${PROGRAM} start; ${PROGRAM} help lists the commands`,
    ]);
  }
  const found = nameAt(flags, at);
  if (help.isAsked) return { command: "help", args: found.name.split(" ") };
  if (isCommand(found.name)) {
    return { command: found.name, args: words.toSpliced(at, found.length) };
  }
  // An unknown flag before the command makes its value look like the command.
  const { problems } = readFlags("start", flags.slice(0, at));
  throw new ConfigError(
    problems.length > 0 ? problems : [unknownCommand(found.name)],
  );
}

/** The command's name may have two words, which then stand next to each other. */
function nameAt(
  words: readonly string[],
  at: number,
): { name: string; length: number } {
  const first = words[at] ?? "";
  const second = words[at + 1] ?? "";
  const both = `${first} ${second}`;
  const isFirstOfTwo = COMMAND_NAMES.some((it) => it.startsWith(`${first} `));
  return isFirstOfTwo && second !== "" && !second.startsWith("-")
    ? { name: both, length: 2 }
    : { name: first, length: 1 };
}

/** What to say about a command that does not exist. */
export function unknownCommand(name: string): string {
  const continuations = COMMAND_NAMES.filter((it) => it.startsWith(`${name} `));
  if (continuations.length > 0) {
    return `${name}: needs a second word: ${continuations.join(", ")}`;
  }
  return `unknown command ${JSON.stringify(name)}${
    didYouMean(name, COMMAND_NAMES)
  }`;
}
