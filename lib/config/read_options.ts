/**
 * From what was written to what holds: flag > environment > TOML > default, with
 * everything that is wrong told at once.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";
import type { CommandName } from "./commands.ts";
import { readEnvironment } from "./environment.ts";
import { expandHome } from "./file.ts";
import { readFlags } from "./flags.ts";
import {
  canStandIn,
  OPTION_NAMES,
  type OptionName,
  optionOf,
  takes,
  type Values,
} from "./options.ts";
import { noteProblems } from "./problems.ts";
import { conflicts, missing } from "./relations.ts";
import type { Setting, Settings } from "./setting.ts";
import { readToml } from "./toml.ts";
import type { ValueContext } from "./value_type.ts";

/** Where options come from. */
export interface Input {
  readonly command: CommandName;
  /** The words besides the command. */
  readonly args: readonly string[];
  /** All environment variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Throws as `Deno.readTextFileSync` does. Paths are used as they are given. */
  readonly readTextFile: (path: string) => string;
  /** For times that must have passed; the machine's clock where left out. */
  readonly nowMs?: number;
}

/** What holds, after all checks. */
export interface Options {
  readonly command: CommandName;
  /**
   * The value of an option. One that the command does not take was not checked.
   *
   * @throws {ConfigError} where it is such a one, and no good
   */
  readonly value: <Name extends OptionName>(name: Name) => Values[Name];
  /** With defaults. */
  readonly operands: readonly string[];
  /** The command's options in the order of help, without those that are flags only. */
  readonly effective: readonly EffectiveOption[];
}

/** For people who wonder why. */
export interface EffectiveOption {
  readonly name: OptionName;
  /**
   * As it was written, a URL without its query; `***` for a secret, in words where
   * nothing was written.
   */
  readonly text: string;
  /** `--batch`, `FDFWD_BATCH`, `x.toml:12: batch` or `default`. */
  readonly origin: string;
}

/**
 * Reads and checks the options of a command.
 *
 * @throws {ConfigError} with all problems, each naming the place
 */
export function readOptions(input: Input): Options {
  const { command, args, env, nowMs = Date.now() } = input;
  const context = {
    readTextFile: readOnce(input.readTextFile),
    nowMs,
    home: env["HOME"],
  };
  const flags = readFlags(command, args);
  const environment = readEnvironment(env);
  const problems = [...flags.problems, ...environment.problems];
  const outside = new Map([...environment.byName, ...flags.byName]);
  const config = takes(command, "config") ? outside.get("config") : undefined;
  const toml = readConfigFile(config, problems, context);
  const settings = new Map([...(toml?.byName ?? []), ...outside]);

  const value = <Name extends OptionName>(name: Name): Values[Name] =>
    valueOf(name, settings.get(name), context);

  const own = OPTION_NAMES.filter((name) => takes(command, name));
  for (const name of own) {
    noteProblems(problems, settings.get(name)?.origin ?? name, () => {
      value(name);
    });
  }
  // Where the file is not understood, what it lacks is not known either.
  if (toml !== undefined) {
    const given = new Map([...settings].filter(([name]) => own.includes(name)));
    const isDryRun = given.has("dry-run") &&
      noteProblems([], "", () => value("dry-run")) === true;
    problems.push(...conflicts(given), ...missing(command, given, isDryRun));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    command,
    value,
    operands: flags.operands,
    effective: own
      .filter((name) => canStandIn("environment", name))
      .map((name) => explain(name, settings.get(name))),
  };
}

/** @returns `undefined` where the file cannot be understood */
function readConfigFile(
  config: Setting | undefined,
  problems: string[],
  context: ValueContext,
): Settings | undefined {
  const written = config?.texts.at(-1);
  if (written === undefined) return { byName: new Map(), problems: [] };
  const path = expandHome(written, context);
  try {
    const toml = readToml(path, context.readTextFile(path));
    problems.push(...toml.problems);
    return toml;
  } catch (error) {
    // That it cannot be read is told by the check of the option itself.
    if (error instanceof ConfigError) problems.push(...error.problems);
    return undefined;
  }
}

function valueOf<Name extends OptionName>(
  name: Name,
  setting: Setting | undefined,
  context: ValueContext,
): Values[Name] {
  const { type, default: otherwise } = optionOf(name);
  const texts = otherwise === undefined ? [] : [otherwise];
  return type.parse(setting?.texts ?? texts, context);
}

function explain(
  name: OptionName,
  setting: Setting | undefined,
): EffectiveOption {
  const { type, default: value, otherwise, secret } = optionOf(name);
  if (setting === undefined) {
    return { name, text: value || (otherwise ?? "none"), origin: "default" };
  }
  const { texts, origin } = setting;
  // Those before it have no effect: an empty text empties a list.
  const first = type.shape === "list" ? texts.lastIndexOf("") + 1 : -1;
  const { show = (text: string) => text } = type;
  const text = secret ? "***" : texts.slice(first).map(show).join(",");
  return { name, text, origin };
}

/** A file is read once, so that checking it and using it see the same content. */
function readOnce(
  readTextFile: (path: string) => string,
): (path: string) => string {
  const contents = new Map<string, string>();
  return (path) => {
    const content = contents.get(path) ?? readTextFile(path);
    contents.set(path, content);
    return content;
  };
}
