/**
 * Where the events of a run go, and whether they arrived.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { JsonLinesProcess } from "../../tests/fakes/json_lines_process.ts";
import type { TlsPaths } from "../../tests/fakes/pki_files.ts";
import { startRealFluentd } from "../../tests/fakes/real_fluentd.ts";
import { eventsOf, type Log } from "./cases.ts";
import { leaveCoreTo } from "./cores.ts";
import type {
  ReceiverCommand,
  ReceiverReady,
  ReceiverReport,
} from "./receiver_end.ts";
import { sampleEvent, uploadEvent } from "./sample_log.ts";
import { sessionIdOf } from "./teleport_end.ts";

/** A receiver, a process of its own. */
export interface Receiver extends AsyncDisposable {
  /** Without a trailing slash: append `/<tag>`. */
  readonly url: string;
  readonly pid: number;
  /** Throws unless all of the log arrived, and nothing else, as arrays or one by one. */
  check(log: Log, arrays: boolean): Promise<void>;
}

/** Starts one with that certificate. */
export type StartReceiver = (tls: TlsPaths) => Promise<Receiver>;

/** A receiver that does nothing but count bytes. */
export async function startCounting(tls: TlsPaths): Promise<Receiver> {
  const process = await JsonLinesProcess.start<ReceiverReady, ReceiverCommand>(
    fileURLToPath(new URL("./receiver_end.ts", import.meta.url)),
    tls,
  );
  return {
    url: process.ready.url,
    pid: process.pid,
    async check(log, arrays) {
      const { requests, bytes } = await process.ask({
        command: "report",
      }) as ReceiverReport;
      // An array has a bracket at each end, and commas in between.
      const framing = arrays ? eventsOf(log) + requests : 0;
      compare("bytes", bytes, jsonBytes(log) + framing);
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/** The same one for several at a time: to be checked once all are done. */
export function lend({ url, pid }: Receiver): StartReceiver {
  return () =>
    Promise.resolve({
      ...{ url, pid },
      check: async () => {},
      [Symbol.asyncDispose]: async () => {},
    });
}

/**
 * A real Fluentd, with a core of its own. Its 200 proves nothing: what it wrote
 * is counted.
 */
export async function startFluentd(
  { ca, cert, key }: TlsPaths,
): Promise<Receiver> {
  const fluentd = await startRealFluentd({
    tls: {
      ca: await Deno.readTextFile(ca),
      cert: await Deno.readTextFile(cert),
      key: await Deno.readTextFile(key),
    },
  });
  const { url, pid } = fluentd;
  await using opened = new AsyncDisposableStack();
  opened.use(fluentd);
  opened.use(await leaveCoreTo(pid));
  const kept = opened.move();
  return {
    ...{ url, pid },
    async check(log) {
      compare("events", await fluentd.countWritten("test.log"), eventsOf(log));
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function compare(what: string, arrived: number, expected: number): void {
  if (arrived === expected) return;
  throw new Error(`${arrived} of ${expected} ${what} arrived`);
}

function jsonBytes(log: Log): number {
  const utf8 = new TextEncoder();
  const lengthOf = (event: object) => utf8.encode(JSON.stringify(event)).length;
  // All of the pool are equally long, and so are all announcements.
  const event = lengthOf(sampleEvent(0));
  if (log.kind !== "recordings") return log.events * event;
  const upload = lengthOf(uploadEvent(sessionIdOf(0)));
  return log.recordings.reduce(
    (sum, events) => sum + upload + events * event,
    0,
  );
}
