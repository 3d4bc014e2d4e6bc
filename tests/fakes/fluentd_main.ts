/**
 * The Fluentd stand-in as a process of its own, which outlives the program under
 * test. Takes its options as one JSON argument with paths in place of PEM texts,
 *
 * ```sh
 * deno run -A tests/fakes/fluentd_main.ts '{"ca":"ca.crt","cert":"server.crt","key":"server.key"}'
 * ```
 *
 * prints one JSON line when it listens, and then answers each JSON line on
 * standard input, a `Command`, with one on standard output. It ends when it is
 * told to, or when standard input does.
 *
 * @module
 */

import { describe } from "../../lib/errors.ts";
import { type FluentdOptions, startFluentd } from "./fluentd.ts";
import type { FluentdStandIn } from "./fluentd.ts";
import type { ConnectionSummary } from "./fluentd_connections.ts";
import type { FaultRule } from "./fluentd_faults.ts";
import type { Comparison, Summary } from "./fluentd_received.ts";
import { lines } from "./lines.ts";

/** The argument. Bodies are not kept unless that is asked for. */
export type ProcessOptions = Omit<FluentdOptions, "tls" | "onStored"> & {
  /** Paths; without them the stand-in speaks plain HTTP. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
};

/** The first line on standard output. */
export interface Ready {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
}

/** What a line on standard input may say. */
export type Command =
  /** Replaces the rules of the fault dial. */
  | { readonly command: "faults"; readonly rules: readonly FaultRule[] }
  /** Asks what arrived, compared with the expected ids where such are given. */
  | {
    readonly command: "report";
    readonly expected?: readonly string[];
    /** One id a line. */
    readonly expectedFile?: string;
    readonly tag?: string;
  }
  /** Asks for the ids of a tag in the order of arrival. */
  | { readonly command: "ids"; readonly tag: string }
  /** Is answered once so many events are stored. */
  | { readonly command: "wait"; readonly events: number }
  | {
    readonly command: "closeIdle" | "stop" | "start" | "restart" | "quit";
  };

/** The answer to `report`. */
export interface Report extends Summary {
  readonly connections: ConnectionSummary;
  /** Only where ids were expected. */
  readonly comparison?: Comparison;
}

/** An answer; it carries the `id` that the command may have brought. */
export type Answer =
  | {
    readonly id?: number | undefined;
    readonly ok: true;
    readonly result?: unknown;
  }
  | {
    readonly id?: number | undefined;
    readonly ok: false;
    readonly error: string;
  };

async function main(argument: string): Promise<void> {
  const options = await readOptions(JSON.parse(argument));
  await using fluentd = await startFluentd({ keepBodies: false, ...options });
  const { url, port } = fluentd;
  print({ url, port, pid: Deno.pid } satisfies Ready);
  for await (const line of lines(Deno.stdin.readable)) {
    const command = JSON.parse(line) as Command & { readonly id?: number };
    if (command.command === "quit") return print({ id: command.id, ok: true });
    // Not awaited: while one command waits for events, another causes them.
    answer(fluentd, command).then(print);
  }
}

async function answer(
  fluentd: FluentdStandIn,
  { id, ...command }: Command & { readonly id?: number },
): Promise<Answer> {
  try {
    return { id, ok: true, result: await obey(fluentd, command) };
  } catch (error) {
    return { id, ok: false, error: describe(error) };
  }
}

async function obey(
  fluentd: FluentdStandIn,
  command: Command,
): Promise<unknown> {
  switch (command.command) {
    case "faults":
      fluentd.faults.clear();
      return fluentd.faults.add(...command.rules);
    case "report":
      return await report(fluentd, command);
    case "ids":
      return fluentd.received.ids(command.tag);
    case "wait":
      return await fluentd.received.until(
        ({ events }) => events >= command.events,
      );
    case "closeIdle":
      return fluentd.connections.closeIdle();
    case "stop":
      return await fluentd.stop();
    case "start":
      return await fluentd.start();
    case "restart":
      return await fluentd.restart();
    default:
      throw new Error(`Unknown command: ${JSON.stringify(command)}`);
  }
}

async function report(
  { received, connections }: FluentdStandIn,
  { expected, expectedFile, tag }: Extract<Command, { command: "report" }>,
): Promise<Report> {
  const ids = expected ??
    (expectedFile === undefined ? undefined : await readIds(expectedFile));
  return {
    ...received.summary(),
    connections: connections.summary(),
    ...ids && { comparison: received.compare(ids, tag) },
  };
}

async function readIds(path: string): Promise<string[]> {
  const text = await Deno.readTextFile(path);
  return text.split("\n").filter((line) => line !== "");
}

async function readOptions(options: ProcessOptions): Promise<FluentdOptions> {
  const { ca, cert, key, passphrase, ...rest } = options;
  if (ca === undefined || cert === undefined || key === undefined) return rest;
  const tls = {
    ca: await Deno.readTextFile(ca),
    cert: await Deno.readTextFile(cert),
    key: await Deno.readTextFile(key),
    ...passphrase !== undefined && { passphrase },
  };
  return { ...rest, tls };
}

function print(value: Ready | Answer): void {
  const bytes = new TextEncoder().encode(JSON.stringify(value) + "\n");
  for (let written = 0; written < bytes.length;) {
    written += Deno.stdout.writeSync(bytes.subarray(written));
  }
}

if (import.meta.main) {
  try {
    await main(Deno.args[0] ?? "{}");
  } catch (error) {
    // deno-lint-ignore no-console
    console.error(`Cannot run the Fluentd stand-in: ${describe(error)}`);
    Deno.exit(1);
  }
  // Whoever still waits for events waits in vain.
  Deno.exit(0);
}
