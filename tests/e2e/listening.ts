/**
 * A running program, asked over HTTP.
 *
 * @module
 */

import type { StatusReport } from "../../lib/operate/status_report.ts";
import { Program, type ProgramOptions } from "../fakes/program.ts";
import { waitUntil } from "../fakes/wait_until.ts";

/** Starts the program with these arguments; resolves when it listens. */
export async function startListening(
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Listening> {
  const program = new Program([...args, "--listen=127.0.0.1:0"], options);
  try {
    let url: string | undefined;
    await waitUntil("the program to listen", () => {
      url = /serving .* url=(\S+)/.exec(program.stderr)?.[1];
      return url !== undefined;
    });
    return new Listening(program, url ?? "");
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw new Error(`It does not listen:\n${program.stderr}`, { cause: error });
  }
}

/** A program that listens; disposing of it kills it. */
export class Listening implements AsyncDisposable {
  readonly program: Program;
  /** Without a trailing slash. */
  readonly url: string;

  constructor(program: Program, url: string) {
    this.program = program;
    this.url = url;
  }

  /** The status, and the body as text. */
  async get(path: string): Promise<{ status: number; text: string }> {
    const response = await fetch(this.url + path);
    return { status: response.status, text: await response.text() };
  }

  async report(): Promise<StatusReport> {
    return JSON.parse((await this.get("/status")).text);
  }

  /** The value of a metric, by its name and labels as they stand in the text. */
  async metric(name: string): Promise<number | undefined> {
    const { text } = await this.get("/metrics");
    const line = text.split("\n").find((line) => line.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length));
  }

  /** Resolves once a report is as that says. */
  async until(
    what: string,
    holds: (report: StatusReport) => boolean,
  ): Promise<void> {
    await waitUntil(what, async () => holds(await this.report()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.program[Symbol.asyncDispose]();
  }
}
