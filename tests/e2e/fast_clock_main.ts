/**
 * Runs the program with a clock that goes 200 times as fast: a minute takes 0.3 s.
 * Requests and calls take what they take.
 *
 * @module
 */

import { systemClock } from "../../lib/clock.ts";
import { runProgram } from "../../lib/commands/program.ts";
import { listenForSignals } from "../../lib/commands/signals.ts";

const TIMES = 200;
const { now, monotonic, sleep } = systemClock;
const startMs = now();
Object.assign(systemClock, {
  now: () => startMs + TIMES * (now() - startMs),
  monotonic: () => TIMES * monotonic(),
  sleep: (ms: number, signal?: AbortSignal) => sleep(ms / TIMES, signal),
});

Deno.exit(await runProgram(Deno.args, listenForSignals));
