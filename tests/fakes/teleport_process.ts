/**
 * Starts the Teleport stand-in as a process of its own, and speaks with it.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { JsonLinesProcess } from "./json_lines_process.ts";
import type { LogEvent } from "./log_event.ts";
import type { Fault } from "./teleport_faults.ts";
import type {
  Command,
  ProcessOptions,
  Ready,
  Report,
} from "./teleport_main.ts";
import type { StopOptions } from "./teleport_server.ts";

const MAIN = fileURLToPath(new URL("./teleport_main.ts", import.meta.url));

/** Starts the process; resolves when it listens. */
export async function startTeleportProcess(
  options: ProcessOptions,
): Promise<TeleportProcess> {
  return new TeleportProcess(
    await JsonLinesProcess.start<Ready, Command>(MAIN, options),
  );
}

/**
 * A running stand-in. What its log holds, an `AuditLog` with the same options
 * says here too.
 */
export class TeleportProcess implements AsyncDisposable {
  readonly #process: JsonLinesProcess<Ready, Command>;

  constructor(process: JsonLinesProcess<Ready, Command>) {
    this.#process = process;
  }

  /** `host:port`, as `--teleport-addr` wants it. */
  get address(): string {
    return this.#process.ready.address;
  }

  get port(): number {
    return this.#process.ready.port;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Appends so many generated events. */
  async grow(count: number): Promise<void> {
    await this.#process.ask({ command: "grow", count });
  }

  /** Appends events made to order. */
  async append(...events: readonly LogEvent[]): Promise<void> {
    await this.#process.ask({ command: "append", events });
  }

  /** From now on, this and nothing else goes wrong. */
  async setFaults(...rules: readonly Fault[]): Promise<void> {
    await this.#process.ask({ command: "faults", rules });
  }

  /** Makes a generated recording so many events long. */
  async resizeRecording(sessionId: string, events: number): Promise<void> {
    await this.#process.ask({ command: "resize", sessionId, events });
  }

  /** What it was asked and what it sent so far. */
  async report(): Promise<Report> {
    return await this.#process.ask({ command: "report" }) as Report;
  }

  /** Ends all connections and refuses new ones; the process goes on. */
  async stop(options: StopOptions = {}): Promise<void> {
    await this.#process.ask({ command: "stop", ...options });
  }

  /** Listens again. */
  async start(): Promise<void> {
    await this.#process.ask({ command: "start" });
  }

  /** Ends all connections and listens again. */
  async restart(options: StopOptions = {}): Promise<void> {
    await this.#process.ask({ command: "restart", ...options });
  }

  /** Kills the process without any ado. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  /** Ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
