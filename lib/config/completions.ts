/**
 * What shells can complete, derived from the tables of commands and options.
 *
 * @module
 */

import {
  COMMAND_NAMES,
  type CommandName,
  COMMANDS,
  type Operand,
} from "./commands.ts";
import { OPTION_NAMES, optionOf, takes } from "./options.ts";
import type { ValueType } from "./value_type.ts";

/** What all three scripts say, in their own ways. */
export interface Completions {
  readonly commands: readonly CompletedCommand[];
  readonly options: readonly CompletedOption[];
}

/** A command as a shell sees it. */
export interface CompletedCommand {
  /** One word, or two. */
  readonly name: string;
  readonly summary: string;
  /** What can follow it, besides options. */
  readonly words: readonly string[];
  /** Whether a directory follows it. */
  readonly takesDirectory: boolean;
}

/** An option as a shell sees it. */
export interface CompletedOption {
  readonly name: string;
  readonly short: string | undefined;
  readonly help: string;
  readonly commands: readonly CommandName[];
  /** `undefined` for a switch. */
  readonly value: ValueType<unknown>["completion"] | undefined;
}

/** Everything that there is to complete. */
export function allCompletions(): Completions {
  return {
    commands: COMMAND_NAMES.map((name) => ({
      name,
      summary: COMMANDS[name].summary,
      words: name === "help" ? COMMAND_NAMES : operandWords(name),
      takesDirectory: operandsOf(name).some(({ isDirectory }) => isDirectory),
    })),
    options: OPTION_NAMES.map((name) => {
      const { short, help, type } = optionOf(name);
      return {
        name,
        short,
        help,
        commands: COMMAND_NAMES.filter((command) => takes(command, name)),
        value: type.shape === "switch" ? undefined : type.completion,
      };
    }),
  };
}

function operandWords(name: CommandName): readonly string[] {
  return operandsOf(name).flatMap(({ words = [] }) => words);
}

function operandsOf(name: CommandName): readonly Operand[] {
  return COMMANDS[name].operands;
}

/** The words of a command's name; of one word, the second is "". */
export function splitName(name: string): { first: string; second: string } {
  const [first = name, second = ""] = name.split(" ");
  return { first, second };
}
