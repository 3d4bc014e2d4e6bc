/**
 * Runs the program with a grace of 100 ms instead of 30 s, after which what is in
 * flight when it is told to stop is aborted.
 *
 * @module
 */

import { runProgram } from "../../lib/commands/program.ts";
import { listenForSignals } from "../../lib/commands/signals.ts";

const GRACE_MS = 30_000;
const { setTimeout } = globalThis;
Object.assign(globalThis, {
  setTimeout: (callback: () => void, ms: number) =>
    setTimeout(callback, ms === GRACE_MS ? 100 : ms),
});

Deno.exit(await runProgram(Deno.args, listenForSignals));
