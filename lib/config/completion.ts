/**
 * Scripts that teach a shell the commands and options.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";
import { bashCompletion } from "./completion_bash.ts";
import { fishCompletion } from "./completion_fish.ts";
import { zshCompletion } from "./completion_zsh.ts";
import { allCompletions } from "./completions.ts";

/**
 * The script for a shell.
 *
 * @throws {ConfigError} where there is none for it
 */
export function completion(shell: string): string {
  switch (shell) {
    case "bash":
      return bashCompletion(allCompletions());
    case "zsh":
      return zshCompletion(allCompletions());
    case "fish":
      return fishCompletion(allCompletions());
    default:
      throw new ConfigError([
        `there is no completion for ${JSON.stringify(shell)}`,
      ]);
  }
}
