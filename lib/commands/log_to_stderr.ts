/**
 * Logs of commands that end by themselves.
 *
 * @module
 */

import type { LogConfig } from "../config/config.ts";
import { setUpLogging } from "../log.ts";

/** Sends log lines to standard error from now on. */
export async function logToStderr(log: LogConfig): Promise<void> {
  const encoder = new TextEncoder();
  await setUpLogging({
    ...log,
    write: (text) => {
      Deno.stderr.writeSync(encoder.encode(text));
    },
  });
}
