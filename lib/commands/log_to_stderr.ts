/**
 * Logs of commands that end by themselves.
 *
 * @module
 */

import type { LogConfig } from "../config/config.ts";
import { setUpLogging } from "../log.ts";
import { tell } from "./print.ts";

/** Sends log lines to standard error from now on. */
export async function logToStderr(log: LogConfig): Promise<void> {
  await setUpLogging({ ...log, write: tell });
}
