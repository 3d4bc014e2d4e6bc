/**
 * Runs `child_main.ts`, as it is or where files cannot grow.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { lines } from "../fakes/lines.ts";

const MAIN = fileURLToPath(new URL("./child_main.ts", import.meta.url));
const ARGS = ["run", "--allow-all", "--no-check", "--quiet", MAIN];

/** A process that is killed, without any warning, when it is disposed of. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** The next line that it says; undefined at its end. */
  nextLine(): Promise<string | undefined>;
  /** Resolves once it is gone. */
  kill(): Promise<void>;
}

/** Starts a process. */
export function startChild(args: readonly string[]): Child {
  const process = new Deno.Command(Deno.execPath(), {
    args: [...ARGS, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const said = lines(process.stdout);
  let running = true;
  void process.status.then(() => running = false);
  const kill = async () => {
    if (running) process.kill("SIGKILL");
    await process.status;
  };
  return {
    pid: process.pid,
    nextLine: async () => (await said.next()).value,
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      await said.return(undefined);
      await process.stdin.close().catch(() => {});
    },
  };
}

/**
 * Runs a process that can write no file beyond a few KiB, as on a full disk, and
 * resolves with the lines that it said.
 */
export async function runLimited(args: readonly string[]): Promise<string[]> {
  // A limit that is exceeded is an error only where its signal is ignored.
  const script = `trap '' XFSZ; ulimit -f 8; exec "$0" "$@"`;
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", script, Deno.execPath(), ...ARGS, ...args],
    stderr: "inherit",
  }).output();
  return new TextDecoder().decode(stdout).split("\n").filter(Boolean);
}
