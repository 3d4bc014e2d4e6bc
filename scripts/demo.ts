/**
 * The main job, end to end: makes certificates, starts stand-ins for Teleport and
 * Fluentd, runs the real program between them with the binary's permissions, and
 * shows what arrived.
 *
 *     deno task demo
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { runProgram } from "../tests/fakes/program.ts";
import { setStage } from "../tests/e2e/stage.ts";

const EVENTS = 20_000;
const UPLOAD_EVERY = 100;

function row(name: string, value: string | number): string {
  const text = typeof value === "number" ? value.toLocaleString("en") : value;
  return `  ${name.padEnd(22)}${text.padStart(12)}`;
}

console.log("Making certificates and starting the stand-ins ...");
await using stage = await setStage({ size: EVENTS, uploadEvery: UPLOAD_EVERY });
console.log(
  `  Teleport: gRPC on ${stage.teleport.address}, demands a client certificate; ` +
    `${EVENTS.toLocaleString("en")} events\n` +
    `  Fluentd:  ${stage.fluentd.url}, demands a client certificate\n\n` +
    "$ teleport-event-handler start --exit-on-last-event ...",
);
const started = performance.now();
const { code, stderr } = await runProgram(
  stage.start("--exit-on-last-event"),
);
const seconds = (performance.now() - started) / 1_000;
console.log(stderr);

const { received } = stage.fluentd;
const { missing, duplicates, unexpected } = received.compare(
  stage.expectedIds(),
);
const auditEvents = received.ids("test.log").length;
const { requests } = received.summary();
console.log([
  "What arrived at Fluentd:",
  row("audit events", auditEvents),
  row("session recordings", received.tags().length - 1),
  row("recording events", received.events - auditEvents),
  row("requests", requests),
  row("missing", missing.length),
  row("duplicates", duplicates.length),
  row("unexpected", unexpected.length),
  row("time", `${seconds.toFixed(1)} s`),
].join("\n"));

const complete = code === 0 && auditEvents === EVENTS &&
  missing.length + duplicates.length + unexpected.length === 0;
console.log(
  complete
    ? "\nEverything arrived, once."
    : `\nSomething is wrong: the program left with ${code}.`,
);
Deno.exitCode = complete ? 0 : 1;
