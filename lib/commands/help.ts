/**
 * `help`: what the program and its commands do.
 *
 * @module
 */

import { help } from "../config/help.ts";
import type { Options } from "../config/read_options.ts";
import { ExitStatus } from "./exit_status.ts";
import { print } from "./print.ts";

/** `help [command]`; the help goes to standard output. */
export function runHelp({ operands }: Options): number {
  print(help(operands.join(" ")));
  return ExitStatus.Done;
}
