/**
 * Completion for zsh.
 *
 * @module
 */

import { PROGRAM } from "./commands.ts";
import {
  type CompletedCommand,
  type CompletedOption,
  type Completions,
  splitName,
} from "./completions.ts";

/** The script, to be put into a directory of `fpath` as `_teleport-event-handler`. */
export function zshCompletion({ commands, options }: Completions): string {
  const byFirstWord = Map.groupBy(
    commands,
    ({ name }) => splitName(name).first,
  );
  const firstWords = [...byFirstWord].map(([first, members]) => {
    const summary = members.find(({ name }) => name === first)?.summary ??
      members.map(({ name }) => splitName(name).second).join(", ");
    return `    ${quote(`${first}:${summary}`)}`;
  });
  const branches = [...byFirstWord].map(([first, members]) => {
    const names = members.map(({ name }) => name);
    const specs = options
      .filter(({ commands }) => commands.some((it) => names.includes(it)))
      .flatMap(optionSpecs);
    const lines = [...operandSpecs(members), ...specs].map(quote)
      .map((spec) => `        ${spec}`);
    return `    ${first})\n      _arguments \\\n${lines.join(" \\\n")} ;;`;
  });
  return `#compdef ${PROGRAM}
_teleport_event_handler() {
  local curcontext=$curcontext context state line
  typeset -A opt_args
  local -a commands=(
${firstWords.join("\n")}
  )
  _arguments -C '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands; return ;;
  esac
  case $words[1] in
${branches.join("\n")}
  esac
}
if [[ $funcstack[1] == _${PROGRAM} ]]; then
  _teleport_event_handler "$@"
else
  compdef _teleport_event_handler ${PROGRAM}
fi
`;
}

function operandSpecs(members: readonly CompletedCommand[]): string[] {
  const seconds = members.flatMap(({ name, summary }) => {
    const { second } = splitName(name);
    return second === "" ? [] : [`${second}\\:${escapeBlanks(summary)}`];
  });
  if (seconds.length > 0) return [`1:command:((${seconds.join(" ")}))`];
  if (members.some(({ takesDirectory }) => takesDirectory)) {
    return ["1:directory:_files -/"];
  }
  const words = members.flatMap(({ words }) => words);
  return words.length > 0
    ? [`1:word:(${words.map(escapeBlanks).join(" ")})`]
    : [];
}

function optionSpecs(
  { name, short, help, value }: CompletedOption,
): string[] {
  const description = `[${help.replace(/[[\]\\:]/g, "\\$&")}]`;
  if (value === undefined) {
    return [
      `--${name}${description}`,
      ...(short === undefined ? [] : [`-${short}${description}`]),
    ];
  }
  const action = value === "file"
    ? "_files"
    : value === "directory"
    ? "_files -/"
    : value.length > 0
    ? `(${value.join(" ")})`
    : " ";
  return [
    `*--${name}=${description}:value:${action}`,
    ...(short === undefined
      ? []
      : [`*-${short}${description}:value:${action}`]),
  ];
}

function escapeBlanks(text: string): string {
  return text.replace(/[ ():\\]/g, "\\$&");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
