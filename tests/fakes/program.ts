/**
 * The program under test as a process of its own, with exactly the permissions and
 * the flags of the binary.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { PERMISSIONS } from "../../scripts/permissions.ts";
import { V8_FLAGS } from "../../scripts/v8_flags.ts";

const ROOT = new URL("../../", import.meta.url);
const MAIN = fileURLToPath(new URL("main.ts", ROOT));
const CONFIG = fileURLToPath(new URL("deno.json", ROOT));

/** How a run of the program ended. */
export interface Outcome {
  readonly code: number;
  /** The signal that ended the process, where it did not end by itself. */
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a run is started with besides its arguments. */
export interface ProgramOptions {
  /** Environment variables that the options may come from. */
  readonly env?: Readonly<Record<string, string>>;
  /** The working directory. */
  readonly cwd?: string;
  /** A module that runs the program in its own way, and what it may besides. */
  readonly main?: {
    readonly path: string;
    readonly permissions: readonly string[];
  };
  /** A shell command that becomes the program by `exec "$@"`. */
  readonly shell?: string;
}

/** A running program; disposing of it kills it, should it still run. */
export class Program implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #stdout: Promise<string>;
  readonly #reading: Promise<void>;
  #stderr = "";
  #hasEnded = false;

  constructor(args: readonly string[], options: ProgramOptions = {}) {
    const { env, cwd, main = { path: MAIN, permissions: [] }, shell } = options;
    const [path = "", ...words] = [
      ...shell === undefined ? [] : ["sh", "-c", shell, "sh"],
      Deno.execPath(),
      "run",
      "--quiet",
      "--config",
      CONFIG,
      ...PERMISSIONS,
      V8_FLAGS,
      ...main.permissions,
      main.path,
      ...args,
    ];
    this.#process = new Deno.Command(path, {
      args: words,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...env && { env: { ...env } },
      ...cwd !== undefined && { cwd },
    }).spawn();
    this.#stdout = new Response(this.#process.stdout).text();
    this.#reading = this.#readStderr();
    void this.#process.status.then(() => this.#hasEnded = true);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** What it wrote to stderr so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Whether the process is gone. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Sends a signal; one that has ended meanwhile gets none. */
  kill(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch (error) {
      const isGone = error instanceof TypeError ||
        error instanceof Deno.errors.NotFound;
      if (!isGone) throw error;
    }
  }

  /** Resolves when the process has ended. */
  async outcome(): Promise<Outcome> {
    const { code, signal } = await this.#process.status;
    await this.#reading;
    return { code, signal, stdout: await this.#stdout, stderr: this.#stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.outcome();
  }

  async #readStderr(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#process.stderr) {
      this.#stderr += decoder.decode(chunk, { stream: true });
    }
  }
}

/** Runs the program to its end. */
export async function runProgram(
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Outcome> {
  await using program = new Program(args, options);
  return await program.outcome();
}
