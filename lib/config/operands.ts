/**
 * The words of a command line that are not options.
 *
 * @module
 */

import { type CommandName, COMMANDS, type Operand } from "./commands.ts";
import { noteProblems } from "./problems.ts";

/**
 * Checks a command's operands and adds the defaults of those that were left out.
 *
 * @param given The words, without the command
 */
export function completeOperands(
  command: CommandName,
  given: readonly string[],
): { words: string[]; problems: string[] } {
  const operands: readonly Operand[] = COMMANDS[command].operands;
  const words = [...given];
  const problems: string[] = [];
  for (
    const [i, { name, help, default: otherwise, many }] of operands.entries()
  ) {
    if (many === "any" || (words[i] ?? "") !== "") continue;
    if (otherwise === undefined) {
      problems.push(`${command}: needs <${name}>: ${help}`);
    } else {
      words[i] = otherwise;
    }
  }
  for (const [i, word] of given.entries()) {
    const operand = operands[i] ??
      operands.findLast(({ many }) => many !== undefined);
    if (operand === undefined) {
      problems.push(`${command}: unexpected argument ${JSON.stringify(word)}`);
    } else if (operand.words && !operand.words.includes(word)) {
      problems.push(
        `${command}: ${JSON.stringify(word)} is not one of ${
          operand.words.join(", ")
        }`,
      );
    } else if (word !== "") {
      const { name, check } = operand;
      noteProblems(problems, `${command}: ${name}`, () => check?.(word));
    }
  }
  return { words, problems };
}
