/**
 * Kills the program a thousand times between two unreliable ends, and says what
 * became of the events:
 *
 *     deno task soak [kills [seed]]
 *
 * Leaves with 1 where anything is missing, invented, altered, or sent again
 * although it was saved.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { besiegeSeveral } from "../tests/e2e/crash/sieges.ts";
import type { Tally } from "../tests/e2e/crash/verdict.ts";

/** Where nobody looks on, a line after so many kills will do. */
const LINE_EVERY = 50;

const [
  kills = 1_000,
  seed = crypto.getRandomValues(new Uint16Array(1))[0] ?? 0,
] = Deno.args.map(Number);
if (!(Number.isInteger(kills) && kills > 0 && Number.isInteger(seed))) {
  console.error("The number of kills and the seed are whole numbers");
  Deno.exit(2);
}

console.log(
  `Killing the program ${
    count(kills)
  } times, with faults on both sides; seed ${seed}`,
);
const started = performance.now();
const report = await besiegeSeveral({ kills, seed, onKill: showProgress });
const { problems } = report;
console.log([
  "",
  row("kills", report.kills),
  row("events", report.events),
  row("session recordings", report.recordings),
  row("recording events", report.recordingEvents),
  row("faults", report.faults),
  row("refused, set aside", report.setAside),
  row("missing", problems.missing.length),
  row("invented", problems.invented.length),
  row("altered", problems.altered.length),
  row("repeated though saved", problems.repeated.length),
  row("passed by the position", problems.passed.length),
  row("resent though confirmed", problems.confirmed.length),
  row("out of order", problems.disordered.length),
  row("duplicates", report.duplicates),
  row("most after one kill", report.mostOfOneCrash),
  row("duration", duration(performance.now() - started)),
].join("\n"));

const wrong = Object.entries(problems).filter(([, keys]) => keys.length > 0);
for (const [name, keys] of wrong) {
  console.log(`\n${name}:\n  ${keys.slice(0, 20).join("\n  ")}`);
}
Deno.exitCode = wrong.length === 0 ? 0 : 1;

function showProgress(killed: number, { events, duplicates }: Tally): void {
  const isTerminal = Deno.stdout.isTerminal();
  if (!isTerminal && killed % LINE_EVERY !== 0) return;
  const line = `${count(killed)} of ${count(kills)} kills · ${count(events)} ` +
    `events · ${count(duplicates)} duplicates · ` +
    duration(performance.now() - started);
  if (!isTerminal) console.log(line);
  else Deno.stdout.writeSync(new TextEncoder().encode(`\r\x1b[K${line}`));
}

function row(name: string, value: string | number): string {
  const text = typeof value === "number" ? count(value) : value;
  return `  ${name.padEnd(26)}${text.padStart(12)}`;
}

function count(value: number): string {
  return value.toLocaleString("en");
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
