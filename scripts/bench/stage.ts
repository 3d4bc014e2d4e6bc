/**
 * Certificates, directories, and both ends of a run as processes of their own.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { JsonLinesProcess } from "../../tests/fakes/json_lines_process.ts";
import {
  type PkiPaths,
  type TeleportPaths,
  writeFluentdPki,
  writeTeleportPki,
} from "../../tests/fakes/pki_files.ts";
import { Program } from "../../tests/fakes/program.ts";
import { findFreePort } from "../../tests/fakes/free_port.ts";
import { askEachSecond } from "./ask_each_second.ts";
import { type Case, eventsOf, type Log } from "./cases.ts";
import type { PostingOptions } from "./posting_ceiling.ts";
import type { ReadingOptions } from "./reading_ceiling.ts";
import type { Receiver, StartReceiver } from "./receivers.ts";
import { SPACING_MS } from "./sample_log.ts";
import type { TeleportOptions, TeleportReady } from "./teleport_end.ts";
import type { Turn, Turns } from "./turns.ts";
import { cpuSecondsOf, type Usage, watchUsage } from "./usage.ts";

/** How a run went. */
export interface Measured extends Usage, Turn {
  readonly name: string;
  /** Not the program, but what it can be held against. */
  readonly isCeiling?: true;
  readonly events: number;
}

/** The newest event of a log is that old: nothing of it is still settling. */
const NEWEST_AGE_MS = 60_000;

/** Of the program's log, where a run went wrong. */
const MAX_LOG = 2_000;

/** Where runs are measured. */
export class Stage implements AsyncDisposable {
  readonly #directory: string;
  readonly #teleportPki: TeleportPaths;
  readonly #fluentdPki: PkiPaths;

  private constructor(
    directory: string,
    teleportPki: TeleportPaths,
    fluentdPki: PkiPaths,
  ) {
    this.#directory = directory;
    this.#teleportPki = teleportPki;
    this.#fluentdPki = fluentdPki;
  }

  static async create(): Promise<Stage> {
    const directory = await Deno.makeTempDir({ prefix: "bench_" });
    return new Stage(
      directory,
      await writeTeleportPki(directory),
      await writeFluentdPki(directory),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#directory, { recursive: true });
  }

  /** Starts a receiver for several runs. */
  startReceiver(start: StartReceiver): Promise<Receiver> {
    return start(this.#fluentdPki.server);
  }

  /** Runs the program once, and checks that everything arrived. */
  async measure(
    { name, args, log, asked }: Case,
    startReceiver: StartReceiver,
    turns: Turns,
  ): Promise<Measured> {
    const events = eventsOf(log);
    const startMs = startOf(log);
    await using teleport = await this.#startTeleport(log, startMs);
    await using receiver = await startReceiver(this.#fluentdPki.server);
    const { url, pid } = receiver;
    const { client } = this.#fluentdPki;
    const storage = await Deno.makeTempDir({ dir: this.#directory });
    const port = asked ? findFreePort() : undefined;
    await using program = new Program([
      "start",
      `--teleport-addr=${teleport.ready.address}`,
      `--teleport-identity=${this.#teleportPki.identity}`,
      `--fluentd-url=${url}/test.log`,
      `--fluentd-session-url=${url}/session`,
      `--fluentd-ca=${client.ca}`,
      `--fluentd-cert=${client.cert}`,
      `--fluentd-key=${client.key}`,
      `--storage=${storage}`,
      `--start-time=${new Date(startMs).toISOString()}`,
      "--exit-on-last-event",
      ...port === undefined ? [] : [`--listen=${port}`],
      ...args,
    ]);
    const watching = watchUsage(program.pid);
    const asking = port === undefined ? undefined : askEachSecond(port);
    const outcome = program.outcome();
    const taken = await turns.take(
      program.pid,
      outcome,
      () => cpuSecondsOf(pid),
    );
    const { code, stderr } = await outcome;
    const answers = asking?.stop();
    if (code !== 0) {
      throw new Error(`exit status ${code}:\n${stderr.slice(-MAX_LOG)}`);
    }
    if (answers === 0) throw new Error("it was asked, and never answered");
    await receiver.check(log, !args.includes("--fluentd-batch=1"));
    return { name, events, ...taken, ...await watching };
  }

  /** How fast such a log can be read at all. */
  async measureReading(
    events: number,
    pageSize: number,
    { ownHttp2 }: { readonly ownHttp2: boolean },
    turns: Turns,
  ): Promise<Measured> {
    const log: Log = { kind: "events", events };
    const startMs = startOf(log);
    await using teleport = await this.#startTeleport(log, startMs);
    const { ca, cert, key } = this.#teleportPki.client;
    const { address } = teleport.ready;
    const name = ownHttp2 ? "reading by our HTTP/2" : "reading and discarding";
    return await measureModule(name, {
      module: "./reading_ceiling.ts",
      events,
      argument: {
        ...{ address, startMs, events, pageSize, ownHttp2, ca, cert, key },
      } satisfies ReadingOptions,
      turns,
      busy: () => 0,
    });
  }

  /** How fast such bodies can be posted at all. */
  async measurePosting(
    events: number,
    options: Pick<PostingOptions, "eventsPerBody" | "connections">,
    startReceiver: StartReceiver,
    turns: Turns,
  ): Promise<Measured> {
    await using receiver = await startReceiver(this.#fluentdPki.server);
    const { ca, cert, key } = this.#fluentdPki.client;
    const url = `${receiver.url}/test.log`;
    const measured = await measureModule("posting ready-made bodies", {
      module: "./posting_ceiling.ts",
      events,
      argument: {
        ...{ url, events, ...options, ca, cert, key },
      } satisfies PostingOptions,
      turns,
      busy: () => cpuSecondsOf(receiver.pid),
    });
    await receiver.check({ kind: "events", events }, true);
    return measured;
  }

  /** Acts while Teleport has a log without an event, which a dry run would read. */
  async withEmptyLog<Result>(
    act: (args: readonly string[]) => Promise<Result>,
  ): Promise<Result> {
    const log: Log = { kind: "events", events: 0 };
    const startMs = startOf(log);
    await using teleport = await this.#startTeleport(log, startMs);
    return await act([
      "start",
      "--dry-run",
      "--exit-on-last-event",
      `--teleport-addr=${teleport.ready.address}`,
      `--teleport-identity=${this.#teleportPki.identity}`,
      `--start-time=${new Date(startMs).toISOString()}`,
    ]);
  }

  #startTeleport(log: Log, startMs: number): Promise<Teleport> {
    const options: TeleportOptions = {
      startMs,
      events: log.kind === "recordings" ? 0 : log.events,
      recordings: log.kind === "recordings" ? log.recordings : [],
      chunkEvents: log.kind === "chunks" ? log.chunkEvents : 0,
      ...this.#teleportPki.server,
    };
    return JsonLinesProcess.start(path("./teleport_end.ts"), options);
  }
}

type Teleport = JsonLinesProcess<TeleportReady, object>;

function startOf(log: Log): number {
  const length = log.kind === "recordings" ? log.recordings.length : log.events;
  const startMs = Date.now() - NEWEST_AGE_MS - length * SPACING_MS;
  return Math.floor(startMs / 1_000) * 1_000;
}

async function measureModule(
  name: string,
  { module, events, argument, turns, busy }: {
    module: string;
    events: number;
    argument: object;
    turns: Turns;
    busy: () => number;
  },
): Promise<Measured> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", path(module), JSON.stringify(argument)],
    stdin: "null",
    stdout: "null",
  }).spawn();
  const watching = watchUsage(process.pid);
  const taken = await turns.take(process.pid, process.status, busy);
  const { success } = await process.status;
  if (!success) throw new Error(`${module} failed`);
  return { name, isCeiling: true, events, ...taken, ...await watching };
}

function path(module: string): string {
  return fileURLToPath(new URL(module, import.meta.url));
}
