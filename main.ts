/**
 * Exports a Teleport cluster's audit events and session recordings to Fluentd.
 *
 * @module
 */

import { runProgram } from "./lib/commands/program.ts";
import { listenForSignals } from "./lib/commands/signals.ts";

if (import.meta.main) {
  // At once: connections that are still closing are nobody's concern any more.
  Deno.exit(await runProgram(Deno.args, listenForSignals));
}
