/**
 * The Teleport stand-in as a process of its own, which outlives the program under
 * test. Takes its options as one JSON argument,
 *
 * ```sh
 * deno run -A tests/fakes/teleport_main.ts '{"size":1000,"ca":"ca.crt","cert":"server.crt","key":"server.key"}'
 * ```
 *
 * prints one JSON line when it listens, and then answers each JSON line on
 * standard input, a `Command`, with one on standard output. It ends when it is
 * told to, or when standard input does.
 *
 * @module
 */

import { AuditLog, type AuditLogOptions } from "./audit_log.ts";
import { obeyJsonLines } from "./json_lines_process.ts";
import type { LogEvent } from "./log_event.ts";
import { startTeleport, type TeleportStandIn } from "./teleport.ts";
import type { Served } from "./teleport_api.ts";
import type { Fault } from "./teleport_faults.ts";
import type { Method } from "./teleport_methods.ts";
import type { StopOptions } from "./teleport_server.ts";

/** The argument: what the log is like, and the paths of PEM files. */
export interface ProcessOptions extends AuditLogOptions {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly port?: number;
  readonly exportSupported?: boolean;
  /** Whether to encode all events before the first one is asked for. */
  readonly prepare?: boolean;
}

/** The first line on standard output. */
export interface Ready {
  /** `host:port`. */
  readonly address: string;
  readonly port: number;
  readonly pid: number;
}

/** What a line on standard input may say. */
export type Command =
  /** Appends generated events. */
  | { readonly command: "grow"; readonly count: number }
  /** Appends events made to order. */
  | { readonly command: "append"; readonly events: readonly LogEvent[] }
  /** Replaces the rules of the fault dial. */
  | { readonly command: "faults"; readonly rules: readonly Fault[] }
  /** Makes a generated recording so many events long. */
  | {
    readonly command: "resize";
    readonly sessionId: string;
    readonly events: number;
  }
  /** Listens no more. */
  | { readonly command: "stop" } & StopOptions
  /** Listens no more, and then again on the same port. */
  | { readonly command: "restart" } & StopOptions
  | { readonly command: "report" | "start" | "quit" };

/** The answer to `report`. */
export interface Report {
  readonly size: number;
  readonly served: Served;
  readonly openCalls: number;
  readonly requests: Readonly<Record<Method, number>>;
  /** Names of the locks that were made. */
  readonly locks: readonly string[];
}

async function main(argument: string): Promise<void> {
  const options = JSON.parse(argument) as ProcessOptions;
  const log = new AuditLog(options);
  if (options.prepare) log.prepare();
  const tls = {
    ca: await Deno.readTextFile(options.ca),
    cert: await Deno.readTextFile(options.cert),
    key: await Deno.readTextFile(options.key),
  };
  await using teleport = await startTeleport({ ...options, log, tls });
  const { address, port } = teleport;
  const ready: Ready = { address, port, pid: Deno.pid };
  await obeyJsonLines<Command>(ready, (command) => obey(teleport, command));
}

function obey(teleport: TeleportStandIn, command: Command): unknown {
  switch (command.command) {
    case "grow":
      return teleport.log.grow(command.count);
    case "append":
      return teleport.append(...command.events);
    case "faults":
      teleport.faults.clear();
      return teleport.faults.add(...command.rules);
    case "resize":
      return teleport.log.resizeRecording(command.sessionId, command.events);
    case "report":
      return report(teleport);
    case "stop":
      return teleport.stop(command);
    case "start":
      return teleport.start();
    case "restart":
      return teleport.restart(command);
    default:
      throw new Error(`Unknown command: ${JSON.stringify(command)}`);
  }
}

function report(teleport: TeleportStandIn): Report {
  const { log, served, openCalls, requests, locks } = teleport;
  const counts = Object.entries(requests).map(([method, all]) =>
    [method, all.length] as const
  );
  return {
    size: log.size,
    served,
    openCalls,
    requests: Object.fromEntries(counts) as Record<Method, number>,
    locks: locks.map(({ metadata }) => metadata?.name ?? ""),
  };
}

if (import.meta.main) await main(Deno.args[0] ?? "{}");
