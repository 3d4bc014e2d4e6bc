/**
 * Starts the Fluentd stand-in as a process of its own, and speaks with it.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { FaultRule } from "./fluentd_faults.ts";
import type {
  Answer,
  Command,
  ProcessOptions,
  Ready,
  Report,
} from "./fluentd_main.ts";
import { lines } from "./lines.ts";

const MAIN = fileURLToPath(new URL("./fluentd_main.ts", import.meta.url));

/** Starts the process; resolves when it listens. */
export async function startFluentdProcess(
  options: ProcessOptions = {},
): Promise<FluentdProcess> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--quiet", MAIN, JSON.stringify(options)],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = lines(process.stdout);
  const first = await output.next();
  if (first.done) {
    const { code } = await process.status;
    await process.stdin.abort().catch(() => {});
    throw new Error(`The Fluentd stand-in did not start: exit status ${code}`);
  }
  return new FluentdProcess(process, output, JSON.parse(first.value) as Ready);
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A running stand-in. */
export class FluentdProcess {
  /** Where it listens, without a trailing slash: append `/<tag>`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #reading: Promise<void>;
  #lastId = 0;

  constructor(
    process: Deno.ChildProcess,
    output: AsyncIterable<string>,
    { url, port, pid }: Ready,
  ) {
    this.url = url;
    this.port = port;
    this.pid = pid;
    this.#process = process;
    this.#input = process.stdin.getWriter();
    this.#reading = this.#read(output);
  }

  /** From now on, this and nothing else goes wrong. */
  async setFaults(...rules: readonly FaultRule[]): Promise<void> {
    await this.#ask({ command: "faults", rules });
  }

  /** What arrived so far, compared with the expected ids where such are given. */
  async report(
    expected: { readonly expected?: readonly string[]; readonly tag?: string } =
      {},
  ): Promise<Report> {
    return await this.#ask({ command: "report", ...expected }) as Report;
  }

  /** The ids of a tag in the order of arrival. */
  async ids(tag: string): Promise<string[]> {
    return await this.#ask({ command: "ids", tag }) as string[];
  }

  /** Resolves once so many events are stored; rejects after 30 s. */
  async waitForEvents(events: number): Promise<void> {
    await this.#ask({ command: "wait", events });
  }

  /** Closes the connections without a request, without notice. */
  async closeIdle(): Promise<void> {
    await this.#ask({ command: "closeIdle" });
  }

  /** Drops all connections and refuses new ones; the process goes on. */
  async stop(): Promise<void> {
    await this.#ask({ command: "stop" });
  }

  /** Listens again. */
  async start(): Promise<void> {
    await this.#ask({ command: "start" });
  }

  /** Drops all connections and listens again. */
  async restart(): Promise<void> {
    await this.#ask({ command: "restart" });
  }

  /** Ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close();
    await this.#reading;
    await this.#process.status;
  }

  #ask(command: Command): Promise<unknown> {
    const id = ++this.#lastId;
    const answer = new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    const line = JSON.stringify({ id, ...command }) + "\n";
    this.#input.write(new TextEncoder().encode(line)).catch(() => {
      // The end of its output says the same.
    });
    return answer;
  }

  async #read(output: AsyncIterable<string>): Promise<void> {
    for await (const line of output) {
      const answer = JSON.parse(line) as Answer;
      const waiting = this.#waiting.get(answer.id ?? 0);
      this.#waiting.delete(answer.id ?? 0);
      if (answer.ok) waiting?.resolve(answer.result);
      else waiting?.reject(new Error(`The Fluentd stand-in: ${answer.error}`));
    }
    for (const { reject } of this.#waiting.values()) {
      reject(new Error("The Fluentd stand-in has ended"));
    }
  }
}
