/**
 * Options and other words on the command line.
 *
 * @module
 */

import { parseArgs } from "../vendor/parse_args.ts";
import { type CommandName } from "./commands.ts";
import { didYouMean } from "./did_you_mean.ts";
import { completeOperands } from "./operands.ts";
import {
  currentName,
  IGNORED_NAME,
  isOption,
  OPTION_NAMES,
  type OptionName,
  optionOf,
  takes,
} from "./options.ts";
import type { Setting, Settings } from "./setting.ts";
import { switchWord } from "./value_type.ts";

/** What the command line says, besides the command. */
export interface CommandLine extends Settings {
  /** With defaults for those that were left out. */
  readonly operands: readonly string[];
}

const SWITCHES = OPTION_NAMES.filter(isSwitch);
const SHORT_NAMES = OPTION_NAMES.flatMap((name) => {
  const { short } = optionOf(name);
  return short === undefined ? [] : [[name, short] as const];
});

/**
 * Reads the words after the command. Flags that are unknown, belong to another
 * command, or lack their value are problems.
 */
export function readFlags(
  command: CommandName,
  args: readonly string[],
): CommandLine {
  const { parsed, misreadings, unknown } = parseFlags(args);
  const problems = [...misreadings, ...unknown];
  const byName = new Map<OptionName, Setting>();
  for (const name of OPTION_NAMES) {
    const texts = [parsed[name] ?? []].flat().map(String);
    if (texts.length === 0) continue;
    const origin = `--${name}`;
    byName.set(name, { texts, origin });
    if (takes(command, name)) continue;
    const owners = optionOf(name).commands.join(", ");
    problems.push(
      `${origin}: is an option of ${owners}, and not of ${command}`,
    );
  }
  const operands = completeOperands(command, parsed._.map(String));
  problems.push(...operands.problems);
  return { byName, operands: operands.words, problems };
}

/**
 * Whether the words ask for help, as in `--help`, `-h=yes` or `-dh`, and the flags
 * among them that no command has.
 */
export function readHelp(
  args: readonly string[],
): { readonly isAsked: boolean; readonly unknown: readonly string[] } {
  const { parsed, unknown } = parseFlags(args);
  const last = [parsed["help"] ?? []].flat().map(String).at(-1);
  return { isAsked: switchWord(last ?? "") === true, unknown };
}

/** What the words say, whichever command they are for. */
function parseFlags(args: readonly string[]) {
  const words = joinValues(args);
  const { flags, rest } = cutAtTerminator(words);
  const misreadings = flags.flatMap(misread);
  const known = flags
    .filter((flag) => misread(flag).length === 0 && !isLongWithOneDash(flag))
    .map(withPlainSwitch);
  const unknown = flags.filter(isLongWithOneDash)
    .map((flag) => unknownFlag(flag.replace(/=.*/s, "")));
  const parsed = parseArgs([...known, ...rest], {
    boolean: SWITCHES,
    negatable: SWITCHES,
    string: [...OPTION_NAMES.filter((name) => !isSwitch(name)), "_"],
    collect: OPTION_NAMES,
    alias: Object.fromEntries(SHORT_NAMES),
    unknown(arg, key) {
      if (key === undefined) return true;
      unknown.push(unknownFlag(arg.replace(/=.*/s, "")));
      return false;
    },
  });
  return { parsed, misreadings, unknown };
}

/**
 * Writes `--name value` as `--name=value`: then each word without a dash is an
 * operand, and a value may be empty or negative, which parseArgs does not allow.
 * What has no effect is left out with its value.
 */
export function joinValues(args: readonly string[]): string[] {
  const { flags: written, rest } = cutAtTerminator(args);
  const flags = written.flatMap(separated).map(withCurrentName);
  const joined: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i] ?? "";
    const next = flags[i + 1];
    if (next !== undefined && takesNext(flag, next)) {
      joined.push(`${flag}=${next}`);
      i++;
    } else {
      joined.push(flag);
    }
  }
  return [...joined.filter((word) => !isIgnored(word)), ...rest];
}

/**
 * Writes `-dcx` and `-dc=x` as `-d -c=x`. A word that has a letter of no flag stays
 * whole, and so does the name of a long one, which lacks a dash.
 */
function separated(word: string): string[] {
  const [, name = ""] = /^-([^-=][^=]*)/.exec(word) ?? [];
  if (name === "" || isOption(currentName(name))) return [word];
  const flags: string[] = [];
  for (let rest = word.slice(1); rest !== "";) {
    const letter = rest.slice(0, 1);
    const option = SHORT_NAMES.find(([, short]) => short === letter)?.[0];
    if (option === undefined) return [word];
    rest = rest.slice(1);
    if (rest.startsWith("=")) return [...flags, `-${letter}${rest}`];
    if (rest !== "" && !isSwitch(option)) {
      return [...flags, `-${letter}=${rest}`];
    }
    flags.push(`-${letter}`);
  }
  return flags;
}

/** parseArgs would take `-dry-run=true` for `-d=true`. */
function isLongWithOneDash(word: string): boolean {
  return /^-[^-=][^=]/.test(word);
}

function isIgnored(word: string): boolean {
  return word.replace(/=.*/s, "") === `--${IGNORED_NAME}`;
}

/** Writes a flag's former name as that of today. */
function withCurrentName(word: string): string {
  return word.replace(
    /^(--(?:no-)?)([^=]+)/,
    (_, dashes: string, name: string) => dashes + currentName(name),
  );
}

/** What follows `--` is never a flag. */
function cutAtTerminator(
  args: readonly string[],
): { flags: readonly string[]; rest: readonly string[] } {
  const end = args.indexOf("--");
  if (end < 0) return { flags: args, rest: [] };
  return { flags: args.slice(0, end), rest: args.slice(end) };
}

function takesNext(flag: string, next: string): boolean {
  const name = flag.startsWith("--")
    ? flag.slice(2)
    : SHORT_NAMES.find(([, short]) => flag === `-${short}`)?.[0] ?? "";
  if (isOption(name) && isSwitch(name)) {
    // Other words for a switch would be operands more often than not.
    return next === "true" || next === "false";
  }
  return (isOption(name) || name === IGNORED_NAME) && !/^-\D/.test(next);
}

/** Complains of what parseArgs would take for something else than was written. */
function misread(flag: string): string[] {
  const [, no, name = "", value] = /^--(no-)?([^=]+)(?:=(.*))?$/s.exec(flag) ??
    [];
  if (!isOption(name)) return [];
  if (!isSwitch(name)) {
    if (no !== undefined) return [`--no-${name}: --${name} is not a switch`];
    // Nothing at all would empty a list, which is rarely what was meant.
    const isList = optionOf(name).type.shape === "list";
    return isList && value === undefined ? [`--${name}: needs a value`] : [];
  }
  if (value === undefined) return [];
  if (no !== undefined) return [`--no-${name}: takes no value`];
  return switchWord(value) === undefined
    ? [`--${name}: ${JSON.stringify(value)} is neither true nor false`]
    : [];
}

/** Of the words for a switch, parseArgs knows `true` and `false` alone. */
function withPlainSwitch(flag: string): string {
  const [, name = "", value = ""] = /^--([^=]+)=(.*)$/s.exec(flag) ?? [];
  if (!isOption(name) || !isSwitch(name)) return flag;
  return `--${name}=${switchWord(value)}`;
}

/** Flags of other commands are named too: then it is told that they are. */
function unknownFlag(flag: string): string {
  const isLong = flag.startsWith("--") || flag.length > 2;
  const known = isLong
    ? OPTION_NAMES
      .flatMap((name) => isSwitch(name) ? [name, `no-${name}`] : [name])
      .map((name) => `--${name}`)
    : SHORT_NAMES.map(([, short]) => `-${short}`);
  return `${flag}: unknown flag${didYouMean(flag, known)}`;
}

function isSwitch(name: OptionName): boolean {
  return optionOf(name).type.shape === "switch";
}
