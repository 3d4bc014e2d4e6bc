/**
 * A process that takes commands as JSON lines and answers each with one: how the
 * tests speak with a stand-in that outlives the program under test.
 *
 * @module
 */

import { lines } from "./lines.ts";

/** An answer; it carries the `id` that the command brought. */
export type Answer =
  | { readonly id: number; readonly ok: true; readonly result?: unknown }
  | { readonly id: number; readonly ok: false; readonly error: string };

/** A command as it is sent. */
export type Numbered<Command> = Command & { readonly id: number };

const ENDED = "The process has ended";

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The end that gives commands. Disposing of it ends the process. */
export class JsonLinesProcess<Ready, Command extends object>
  implements AsyncDisposable {
  /** What the process said first. */
  readonly ready: Ready;
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #reading: Promise<void>;
  #lastId = 0;
  #ended = false;

  private constructor(
    process: Deno.ChildProcess,
    output: AsyncIterable<string>,
    ready: Ready,
  ) {
    this.ready = ready;
    this.#process = process;
    this.#input = process.stdin.getWriter();
    this.#reading = this.#read(output);
  }

  /** Starts a module with one JSON argument; resolves with its first line. */
  static async start<Ready, Command extends object>(
    module: string,
    argument: object,
  ): Promise<JsonLinesProcess<Ready, Command>> {
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--quiet", module, JSON.stringify(argument)],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const output = lines(process.stdout);
    const first = await output.next();
    if (first.done) {
      const { code } = await process.status;
      await process.stdin.abort().catch(() => {});
      throw new Error(`${module} did not start: exit status ${code}`);
    }
    return new JsonLinesProcess(process, output, JSON.parse(first.value));
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Resolves with the result; rejects with what went wrong over there. */
  ask(command: Command): Promise<unknown> {
    if (this.#ended) return Promise.reject(new Error(ENDED));
    const id = ++this.#lastId;
    const answer = new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    const line = JSON.stringify({ ...command, id }) + "\n";
    this.#input.write(new TextEncoder().encode(line)).catch(() => {
      // The end of its output says the same.
    });
    return answer;
  }

  /** Kills it without any ado, as a crash would. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#reading;
    await this.#process.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {
      // It is gone already.
    });
    await this.#reading;
    await this.#process.status;
  }

  async #read(output: AsyncIterable<string>): Promise<void> {
    for await (const line of output) {
      const answer = JSON.parse(line) as Answer;
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.ok) waiting?.resolve(answer.result);
      else waiting?.reject(new Error(answer.error));
    }
    this.#ended = true;
    for (const { reject } of this.#waiting.values()) reject(new Error(ENDED));
  }
}

/**
 * The end that obeys: prints `ready`, then answers every command on standard
 * input until that ends, or until the command `quit`.
 */
export async function obeyJsonLines<Command extends { command: string }>(
  ready: object,
  obey: (command: Command) => unknown,
): Promise<void> {
  print(ready);
  for await (const line of lines(Deno.stdin.readable)) {
    const command = JSON.parse(line) as Numbered<Command>;
    if (command.command === "quit") return print({ id: command.id, ok: true });
    print(await answer(command, obey));
  }
}

async function answer<Command>(
  command: Numbered<Command>,
  obey: (command: Command) => unknown,
): Promise<Answer> {
  const { id } = command;
  try {
    return { id, ok: true, result: await obey(command) };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { id, ok: false, error: text };
  }
}

function print(value: object): void {
  const bytes = new TextEncoder().encode(JSON.stringify(value) + "\n");
  for (let written = 0; written < bytes.length;) {
    written += Deno.stdout.writeSync(bytes.subarray(written));
  }
}
