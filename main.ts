/**
 * Exports a Teleport cluster's audit events and session recordings to Fluentd.
 *
 * @module
 */

import { runProgram } from "./lib/commands/program.ts";
import { listenForSignals } from "./lib/signals.ts";

if (import.meta.main) {
  using signals = listenForSignals();
  Deno.exitCode = await runProgram(Deno.args, signals);
}
