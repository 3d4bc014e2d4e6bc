/**
 * How fast the program is, with both ends in processes of their own: pages that
 * are encoded beforehand on one side, a receiver that keeps no bodies on the other.
 *
 *     deno task bench [events]
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { fileURLToPath } from "node:url";
import { startFluentdProcess } from "../../tests/fakes/fluentd_process.ts";
import { lines } from "../../tests/fakes/lines.ts";
import {
  writeFluentdPki,
  writeTeleportPki,
} from "../../tests/fakes/pki_files.ts";
import { Program } from "../../tests/fakes/program.ts";
import type { TeleportEndOptions } from "./teleport_end.ts";

const CASES: readonly (readonly [name: string, ...args: string[]])[] = [
  ["defaults"],
  ["pages of 20", "--batch=20"],
  ["pages of 500", "--batch=500"],
  ["pages of 1,000", "--batch=1000"],
  ["gzip", "--fluentd-compress=gzip"],
  ["one object per request", "--fluentd-batch=1"],
];
const EVENTS = Number(Deno.args[0] ?? 200_000);
/** One event per request is that much slower. */
const FEWER = 10;
const POLL_MS = 20;
/** Clock ticks per second of /proc/<pid>/stat, on every Linux. */
const TICKS = 100;

interface Usage {
  readonly cpuSeconds: number;
  readonly peakMib: number;
}

const directory = await Deno.makeTempDir({ prefix: "bench_" });
const teleportPki = await writeTeleportPki(directory);
const fluentdPki = await writeFluentdPki(directory);
try {
  console.log(
    "case                       events   events/s   CPU µs/event   peak MiB",
  );
  for (const [name, ...args] of CASES) {
    const events = args.includes("--fluentd-batch=1") ? EVENTS / FEWER : EVENTS;
    const { seconds, usage } = await measure(events, args);
    console.log(
      name.padEnd(23) + events.toLocaleString("en").padStart(10) +
        Math.round(events / seconds).toLocaleString("en").padStart(11) +
        (usage.cpuSeconds * 1e6 / events).toFixed(1).padStart(15) +
        usage.peakMib.toFixed(0).padStart(11),
    );
  }
} finally {
  await Deno.remove(directory, { recursive: true });
}

/** Runs the program once, on a log of that size, with a state directory on disk. */
async function measure(
  events: number,
  args: readonly string[],
): Promise<{ seconds: number; usage: Usage }> {
  const { ca, cert, key } = teleportPki.server;
  await using teleport = await startTeleportEnd({ events, ca, cert, key });
  await using fluentd = await startFluentdProcess(fluentdPki.server);
  const { client } = fluentdPki;
  const started = performance.now();
  await using program = new Program([
    "start",
    `--teleport-addr=${teleport.address}`,
    `--teleport-identity=${teleportPki.identity}`,
    `--fluentd-url=${fluentd.url}/test.log`,
    `--fluentd-session-url=${fluentd.url}/session`,
    `--fluentd-ca=${client.ca}`,
    `--fluentd-cert=${client.cert}`,
    `--fluentd-key=${client.key}`,
    `--storage=${await Deno.makeTempDir({ dir: directory })}`,
    "--start-time=2026-03-01T00:00:00Z",
    "--window-size=80000h",
    "--exit-on-last-event",
    ...args,
  ]);
  const watching = watch(program.pid);
  const { code, stderr } = await program.outcome();
  const seconds = (performance.now() - started) / 1_000;
  const { events: arrived } = await fluentd.report();
  if (code !== 0 || arrived !== events) {
    throw new Error(`${arrived} of ${events} events arrived:\n${stderr}`);
  }
  return { seconds, usage: await watching };
}

/** CPU time and peak memory of a process, as last seen before its end. */
async function watch(pid: number): Promise<Usage> {
  let usage: Usage = { cpuSeconds: 0, peakMib: 0 };
  while (true) {
    try {
      const stat = (await Deno.readTextFile(`/proc/${pid}/stat`))
        .replace(/^.*\) /, "").split(" ");
      const status = await Deno.readTextFile(`/proc/${pid}/status`);
      const peakKib = /VmHWM:\s+(\d+)/.exec(status)?.[1];
      if (peakKib === undefined) return usage;
      usage = {
        cpuSeconds: (Number(stat[11]) + Number(stat[12])) / TICKS,
        peakMib: Number(peakKib) / 1_024,
      };
    } catch {
      return usage;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function startTeleportEnd(
  options: TeleportEndOptions,
): Promise<AsyncDisposable & { readonly address: string }> {
  const main = fileURLToPath(new URL("./teleport_end.ts", import.meta.url));
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--quiet", main, JSON.stringify(options)],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = lines(process.stdout);
  const { address }: { address: string } = JSON.parse(
    String((await output.next()).value),
  );
  return {
    address,
    async [Symbol.asyncDispose]() {
      await process.stdin.close();
      await process.status;
      await output.next();
    },
  };
}
