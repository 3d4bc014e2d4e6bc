/**
 * Completion for bash 4 and later.
 *
 * @module
 */

import { PROGRAM } from "./commands.ts";
import {
  type CompletedOption,
  type Completions,
  splitName,
} from "./completions.ts";

/** The script, to be sourced. */
export function bashCompletion({ commands, options }: Completions): string {
  const names = commands.map(({ name }) => name);
  const firstWords = [...new Set(names.map((name) => splitName(name).first))];
  const groups = firstWords.filter((word) => !names.includes(word));
  const seconds = (group: string) =>
    names.map(splitName).filter(({ first }) => first === group)
      .map(({ second }) => second);
  const flags = (command: string) =>
    options.filter(({ commands }) => commands.some((it) => it === command))
      .map(({ name }) => `--${name}`);
  // What is known so far, and the next word: together they are a command, or not.
  const steps = [
    ...firstWords,
    ...names.filter((it) => it.includes(" ")),
    ...groups.map((group) => `help ${group}`),
  ].map((name) => [name.includes(" ") ? name : ` ${name}`, name] as const);
  return `# bash completion for ${PROGRAM}
_teleport_event_handler() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  # bash takes the = of --option=value for a word of its own.
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case $previous in
${lines(valueCases(options))}
  esac
  local command= word words=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$command $word" in
${lines(steps.map(([seen, name]) => `  "${seen}") command="${name}" ;;`))}
    esac
  done
  case $command in
${lines([`"") words="${firstWords.join(" ")} --help --version" ;;`])}
${
    lines(
      groups.map((it) => `${it}) words="${seconds(it).join(" ")} --help" ;;`),
    )
  }
${
    lines(
      groups.map((it) => `"help ${it}") words="${seconds(it).join(" ")}" ;;`),
    )
  }
${
    lines(commands.map(({ name, words, takesDirectory }) => {
      const operands = name === "help" ? firstWords : words;
      const all = `words="${[...operands, ...flags(name)].join(" ")}"`;
      return takesDirectory
        ? `"${name}") ${all}\n      [[ $current == -* ]] || { ${
          offer("directory")
        }; return; } ;;`
        : `"${name}") ${all} ;;`;
    }))
  }
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _teleport_event_handler ${PROGRAM}
`;
}

/** One case for all options that are completed in the same way. */
function valueCases(options: readonly CompletedOption[]): string[] {
  const byOffer = Map.groupBy(
    options.filter(({ value }) => value !== undefined),
    ({ value }) => offer(value ?? []),
  );
  return [...byOffer].map(([action, same]) => {
    const flags = same.flatMap(({ name, short }) =>
      short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`]
    );
    return `${flags.join(" | ")})\n      ${action}\n      return ;;`;
  });
}

function offer(value: NonNullable<CompletedOption["value"]>): string {
  const reply = (what: string) =>
    `mapfile -t COMPREPLY < <(compgen ${what} -- "$current")`;
  if (value === "file") return `compopt -o filenames; ${reply("-f")}`;
  if (value === "directory") return `compopt -o filenames; ${reply("-d")}`;
  return value.length === 0 ? "COMPREPLY=()" : reply(`-W "${value.join(" ")}"`);
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `    ${text}`).join("\n");
}
