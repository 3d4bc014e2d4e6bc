/**
 * Runs the program with a sink that says of each request that it took one event
 * more than there were.
 *
 * @module
 */

import { runProgram } from "../../lib/commands/program.ts";
import { listenForSignals } from "../../lib/commands/signals.ts";
import { FluentdSink } from "../../lib/fluentd/sink.ts";

const { send } = FluentdSink.prototype;
FluentdSink.prototype.send = async function (...request) {
  return await send.apply(this, request) + 1;
};

Deno.exit(await runProgram(Deno.args, listenForSignals));
