/**
 * Starts the Fluentd stand-in as a process of its own, and speaks with it.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { FaultRule } from "./fluentd_faults.ts";
import type { Command, ProcessOptions, Ready, Report } from "./fluentd_main.ts";
import { JsonLinesProcess } from "./json_lines_process.ts";

const MAIN = fileURLToPath(new URL("./fluentd_main.ts", import.meta.url));

/** Starts the process; resolves when it listens. */
export async function startFluentdProcess(
  options: ProcessOptions = {},
): Promise<FluentdProcess> {
  return new FluentdProcess(
    await JsonLinesProcess.start<Ready, Command>(MAIN, options),
  );
}

/** A running stand-in. */
export class FluentdProcess implements AsyncDisposable {
  readonly #process: JsonLinesProcess<Ready, Command>;

  constructor(process: JsonLinesProcess<Ready, Command>) {
    this.#process = process;
  }

  /** Where it listens, without a trailing slash: append `/<tag>`. */
  get url(): string {
    return this.#process.ready.url;
  }

  get port(): number {
    return this.#process.ready.port;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** From now on, this and nothing else goes wrong. */
  async setFaults(...rules: readonly FaultRule[]): Promise<void> {
    await this.#process.ask({ command: "faults", rules });
  }

  /** What arrived so far, compared with the expected ids where such are given. */
  async report(
    expected: { readonly expected?: readonly string[]; readonly tag?: string } =
      {},
  ): Promise<Report> {
    return await this.#process.ask({
      command: "report",
      ...expected,
    }) as Report;
  }

  /** The ids of a tag in the order of arrival. */
  async ids(tag: string): Promise<string[]> {
    return await this.#process.ask({ command: "ids", tag }) as string[];
  }

  /** Resolves once so many events are stored; rejects after 30 s. */
  async waitForEvents(events: number): Promise<void> {
    await this.#process.ask({ command: "wait", events });
  }

  /** Closes the connections without a request, without notice. */
  async closeIdle(): Promise<void> {
    await this.#process.ask({ command: "closeIdle" });
  }

  /** Drops all connections and refuses new ones; the process goes on. */
  async stop(): Promise<void> {
    await this.#process.ask({ command: "stop" });
  }

  /** Listens again. */
  async start(): Promise<void> {
    await this.#process.ask({ command: "start" });
  }

  /** Drops all connections and listens again. */
  async restart(): Promise<void> {
    await this.#process.ask({ command: "restart" });
  }

  /** Ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
