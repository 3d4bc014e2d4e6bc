/**
 * A real Fluentd, configured as we document it. What it wrote is the only proof
 * that an event arrived: its 200 is none.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { JsonRecord } from "./fluentd_body.ts";
import type { FluentdTls } from "./fluentd_tls.ts";
import { findFreePort } from "./free_port.ts";
import { lines } from "./lines.ts";
import {
  bufferDirectory,
  type FluentdConfig,
  fluentdConfig,
  outputFile,
} from "./real_fluentd_config.ts";
import { waitUntil } from "./wait_until.ts";

const BUNDLE = fileURLToPath(new URL("../fluentd", import.meta.url));
const REQUIRE_VARIABLE = "TELEPORT_EVENT_HANDLER_REQUIRE_FLUENTD";
const READY = "fluentd worker is now running";
const START_TIMEOUT_MS = 60_000;

/** How the real Fluentd is to be. */
export interface RealFluentdOptions {
  readonly tls: FluentdTls;
  /** A free one where none is given. */
  readonly port?: number;
  /** Default 10 s, Fluentd's own; closes one to two seconds later than that. */
  readonly keepaliveTimeoutS?: number;
  /** What becomes of `time`, see `FluentdConfig`; default `cut`. */
  readonly time?: FluentdConfig["time"];
  /** Largest record that its buffers take; default Fluentd's own. */
  readonly chunkLimitBytes?: number;
  /** Default Fluentd's own, 1.2 and no other. */
  readonly tlsVersion?: FluentdConfig["tlsVersion"];
}

/** `true`, or why there is none. */
export function fluentdInstalled(): true | string {
  try {
    Deno.statSync(join(BUNDLE, "vendor", "ruby"));
    return true;
  } catch {
    return "Fluentd is not installed: run scripts/install_fluentd.sh";
  }
}

/**
 * For `Deno.test({ ignore })`: says why a test is left out. Where the environment
 * requires Fluentd, nothing is left out, and the test fails without it.
 */
export function ignoreWithoutFluentd(): boolean {
  const installed = fluentdInstalled();
  if (installed === true || Deno.env.get(REQUIRE_VARIABLE) === "1") {
    return false;
  }
  // deno-lint-ignore no-console
  console.warn(`${installed}; tests against it are ignored`);
  return true;
}

/** Starts a Fluentd on the loopback interface; resolves when it takes connections. */
export async function startRealFluentd(
  options: RealFluentdOptions,
): Promise<RealFluentd> {
  const installed = fluentdInstalled();
  if (installed !== true) throw new Error(installed);
  const { tls, port = findFreePort(), keepaliveTimeoutS = 10 } = options;
  const directory = await Deno.makeTempDir({ prefix: "fluentd_" });
  const write = (name: string, text: string) =>
    Deno.writeTextFile(join(directory, name), text, { mode: 0o600 });
  await Promise.all([
    write("ca.crt", tls.ca),
    write("server.crt", tls.cert),
    write("server.key", tls.key),
    write(
      "fluent.conf",
      fluentdConfig({
        directory,
        port,
        passphrase: tls.passphrase,
        keepaliveTimeoutS,
        time: options.time ?? "cut",
        chunkLimitBytes: options.chunkLimitBytes,
        tlsVersion: options.tlsVersion,
      }),
    ),
  ]);
  const fluentd = new RealFluentd(directory, port);
  try {
    await fluentd.start();
  } catch (error) {
    await fluentd[Symbol.asyncDispose]();
    throw error;
  }
  return fluentd;
}

/** A running Fluentd, one process. */
export class RealFluentd {
  readonly port: number;
  readonly #directory: string;
  #process: Deno.ChildProcess | undefined;

  constructor(directory: string, port: number) {
    this.#directory = directory;
    this.port = port;
  }

  /** Where it listens, without a trailing slash: append `/<tag>`. */
  get url(): string {
    return `https://localhost:${this.port}`;
  }

  /** Of its process; throws while there is none. */
  get pid(): number {
    if (this.#process === undefined) throw new Error("Fluentd is not running");
    return this.#process.pid;
  }

  /** Starts the process; resolves when it takes connections. */
  async start(): Promise<void> {
    const seen = (await this.log()).length;
    // Output goes to a file and not through a pipe, so that nothing has to be
    // read while a test runs.
    const process = new Deno.Command("sh", {
      args: [
        "-c",
        'exec bundle exec fluentd --no-supervisor -c "$0" >>"$1" 2>&1',
        join(this.#directory, "fluent.conf"),
        join(this.#directory, "fluentd.log"),
      ],
      cwd: this.#directory,
      env: {
        BUNDLE_GEMFILE: join(BUNDLE, "Gemfile"),
        BUNDLE_PATH: join(BUNDLE, "vendor"),
        BUNDLE_FROZEN: "true",
      },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#process = process;
    let ended = false;
    process.status.then(() => {
      ended = true;
      if (this.#process === process) this.#process = undefined;
    });
    await waitUntil("Fluentd to start", async () => {
      const log = (await this.log()).slice(seen);
      if (ended) throw new Error(`Fluentd ended while it started:\n${log}`);
      return log.includes(READY);
    }, { timeoutMs: START_TIMEOUT_MS });
  }

  /** Ends the process, by default so that it writes all that it took. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    process.kill(signal);
    await process.status;
  }

  /** Ends the process and starts it again on the same port. */
  async restart(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    await this.stop(signal);
    await this.start();
  }

  /**
   * The events of a tag that Fluentd wrote, in its order. While it runs, waits
   * first until all that it acknowledged is written.
   */
  async written(tag: string): Promise<JsonRecord[]> {
    await this.#allFlushed();
    const text = await readText(outputFile(this.#directory, tag));
    return text.split("\n").filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }

  /** How many there are, a line each: for more of them than fit into one text. */
  async countWritten(tag: string): Promise<number> {
    await this.#allFlushed();
    using file = await Deno.open(outputFile(this.#directory, tag));
    let count = 0;
    for await (const _line of lines(file.readable)) count++;
    return count;
  }

  /** What Fluentd said so far. */
  log(): Promise<string> {
    return readText(join(this.#directory, "fluentd.log"));
  }

  /** Stops it, and removes what it wrote. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    await Deno.remove(this.#directory, { recursive: true });
  }

  async #allFlushed(): Promise<void> {
    await waitUntil(
      "Fluentd to write its buffers",
      async () => this.#process === undefined || await this.#isFlushed(),
    );
  }

  /** What is acknowledged is a file of the buffer until it is written. */
  async #isFlushed(): Promise<boolean> {
    const root = bufferDirectory(this.#directory);
    for await (const { name } of Deno.readDir(root)) {
      for await (const _chunk of Deno.readDir(join(root, name))) return false;
    }
    return true;
  }
}

/** Empty where there is no such file yet. */
async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
