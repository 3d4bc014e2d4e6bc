/**
 * The help texts, derived from the tables of commands and options.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";
import { unknownCommand } from "./command_line.ts";
import {
  COMMAND_NAMES,
  type CommandName,
  COMMANDS,
  isCommand,
  type Operand,
  PROGRAM,
} from "./commands.ts";
import {
  canStandIn,
  environmentNames,
  GROUPS,
  OPTION_NAMES,
  type OptionName,
  optionOf,
  takes,
} from "./options.ts";

const WIDTH = 100;

const PRECEDENCE =
  "Options are taken from the command line, else from the environment, else from the TOML file. The variable of an option is FDFWD_ and its name in capitals, with _ for -";

const NOTATION =
  "A switch is turned off by --no-NAME or --NAME=false. A list is repeated or separated by commas, and emptied by an empty value. A DURATION is written like 5s, 1m30s or 24h, a SIZE like 512KiB or 1MiB.";

const EXIT_STATUS =
  "0 done, 1 failed, 2 usage or configuration, 3 done, but events were set aside or left out, 75 gave up for now (try again later), 130 or 143 stopped by a signal before everything in flight was delivered.";

/**
 * The help of one command, or of the program as a whole.
 *
 * @param topic A command, the first word of some, or "" for the overview
 * @throws {ConfigError} where there is no such command
 */
export function help(topic: string): string {
  if (isCommand(topic)) return commandHelp(topic);
  const found = COMMAND_NAMES.filter((name) =>
    topic === "" || name.startsWith(`${topic} `)
  );
  if (found.length === 0) throw new ConfigError([unknownCommand(topic)]);
  return overview(found);
}

function overview(commands: readonly CommandName[]): string {
  return sections([
    [
      "Forwards Teleport's audit events and session recordings to Fluentd.",
    ],
    [`Usage: ${PROGRAM} <command> [options]`],
    [
      "Commands:",
      ...table(commands.map((name) => [name, COMMANDS[name].summary])),
    ],
    [`${PROGRAM} help <command> explains a command and its options.`],
  ]);
}

function commandHelp(command: CommandName): string {
  const { about, operands, examples } = COMMANDS[command];
  const options = OPTION_NAMES.filter((name) => takes(command, name));
  const hasSettings = options.some((name) => canStandIn("toml", name));
  const labels = options.map((name) => label(name).length);
  const labelWidth = Math.max(...labels);
  return sections([
    wrap(about, WIDTH),
    wrap(
      `Usage: ${
        [PROGRAM, command, "[options]", ...operands.map(usage)].join(" ")
      }`,
      WIDTH,
    ),
    table(operands.map((operand) => [operand.name, describeOperand(operand)])),
    ...GROUPS.map((group) => {
      const rows = options.filter((name) => optionOf(name).group === group)
        .map((name) => [label(name), describeOption(command, name)] as const);
      return rows.length === 0 ? [] : [`${group}:`, ...table(rows, labelWidth)];
    }),
    hasSettings ? wrap(places(command, options), WIDTH) : [],
    hasSettings ? wrap(NOTATION, WIDTH) : [],
    command === "start" ? wrap(`Exit status: ${EXIT_STATUS}`, WIDTH) : [],
    ["Examples:", ...examples.map((example) => `  ${PROGRAM} ${example}`)],
  ]);
}

function usage({ name, default: otherwise, many }: Operand): string {
  if (many === "any") return `[${name} ...]`;
  if (many === "some") return `<${name} ...>`;
  return otherwise === undefined ? `<${name}>` : `[${name}]`;
}

function describeOperand({ help, default: otherwise }: Operand): string {
  return otherwise === undefined ? help : `${help} (default ${otherwise})`;
}

function label(name: OptionName): string {
  const { short, type } = optionOf(name);
  const start = short === undefined ? "    " : `-${short}, `;
  return `${start}--${name} ${type.placeholder}`.trimEnd();
}

function describeOption(command: CommandName, name: OptionName): string {
  const { help, required, default: value, otherwise } = optionOf(name);
  if (required?.includes(command)) return `${help} (required)`;
  if (value && value !== "false") return `${help} (default\u00a0${value})`;
  return otherwise === undefined ? help : `${help} (default: ${otherwise})`;
}

/** Where the options can be given. */
function places(command: CommandName, options: readonly OptionName[]): string {
  const flags = (inEnvironment: boolean) =>
    options.filter((name) => canStandIn("environment", name) === inEnvironment)
      .map((name) => `--${name}`).join(", ");
  const others = exceptions(options);
  return takes(command, "config")
    ? `${PRECEDENCE}${others}. From the command line alone: ${flags(false)}.`
    : `Options are taken from the command line alone${others} for ${
      flags(true)
    }.`;
}

/** Variables that are not called as their option is. */
function exceptions(options: readonly OptionName[]): string {
  const names = options.flatMap((name) => {
    const [variable] = environmentNames(name);
    const regular = `FDFWD_${name.toUpperCase().replaceAll("-", "_")}`;
    return variable === undefined || variable === regular ? [] : [variable];
  });
  return names.length === 0 ? "" : `; except ${names.join(", ")}`;
}

function sections(parts: readonly (readonly string[])[]): string {
  return parts.filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n") + "\n").join("\n");
}

/** Two columns; what does not fit the second one goes on below. A no-break space holds. */
function table(
  rows: readonly (readonly [string, string])[],
  firstWidth = Math.max(0, ...rows.map(([first]) => first.length)),
): string[] {
  return rows.flatMap(([first, second]) => {
    const indent = firstWidth + 4;
    const lines = wrap(second, WIDTH - indent);
    return lines.map((line, i) =>
      `  ${(i === 0 ? first : "").padEnd(firstWidth)}  ${line}`
        .replaceAll("\u00a0", " ")
    );
  });
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines;
}
