/**
 * Completion for fish.
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

const DIRECTORIES = "-a '(__fish_complete_directories)'";

/** The script, to be put into a completions directory. */
export function fishCompletion({ commands, options }: Completions): string {
  const groups = Map.groupBy(commands, ({ name }) => splitName(name).first);
  return [
    `# fish completion for ${PROGRAM}`,
    `complete -c ${PROGRAM} -f`,
    ...[...groups].flatMap(([first, members]) => commandRules(first, members)),
    ...options.map(optionRule),
  ].join("\n") + "\n";
}

function commandRules(
  first: string,
  members: readonly CompletedCommand[],
): string[] {
  const own = members.find(({ name }) => name === first);
  const rest = members.filter(({ name }) => name !== first)
    .map(({ name, summary }) => ({ word: splitName(name).second, summary }));
  const seconds = rest.map(({ word }) => word).join(" ");
  const top = rule("__fish_use_subcommand", `-a ${first}`, own?.summary ?? "");
  if (own !== undefined && own.words.length > 0) {
    const words = [...new Set(own.words.flatMap((word) => word.split(" ")))];
    const condition = `__fish_seen_subcommand_from ${first}`;
    return [top, rule(condition, `-a ${quote(words.join(" "))}`, "")];
  }
  if (own?.takesDirectory) {
    const condition = `__fish_seen_subcommand_from ${first}`;
    return [top, rule(condition, DIRECTORIES, "")];
  }
  return [
    top,
    ...rest.map(({ word, summary }) =>
      rule(
        `__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${seconds}`,
        `-a ${word}`,
        summary,
      )
    ),
  ];
}

function optionRule(
  { name, short, help, commands, value }: CompletedOption,
): string {
  const letter = short === undefined ? "" : ` -s ${short}`;
  return rule(
    isAnyOf(commands),
    `-l ${name}${letter}${valueOptions(value)}`,
    help,
  );
}

/** Commands of one word, or groups of those whose first word is the same. */
function isAnyOf(commands: readonly string[]): string {
  const groups = Map.groupBy(
    commands.map(splitName),
    ({ first, second }) => second === "" ? "" : first,
  );
  return [...groups].map(([group, names]) => {
    const words = names.map(({ first, second }) => second || first);
    const last = `__fish_seen_subcommand_from ${words.join(" ")}`;
    return group === ""
      ? last
      : `begin; __fish_seen_subcommand_from ${group}; and ${last}; end`;
  }).join("; or ");
}

function rule(condition: string, what: string, description: string): string {
  const end = description === "" ? "" : ` -d ${quote(description)}`;
  return `complete -c ${PROGRAM} -n ${quote(condition)} ${what}${end}`;
}

function valueOptions(value: CompletedOption["value"]): string {
  if (value === undefined) return "";
  if (value === "file") return " -rF";
  if (value === "directory") return ` -x ${DIRECTORIES}`;
  return value.length === 0 ? " -x" : ` -xa ${quote(value.join(" "))}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
