/**
 * Runs the program, and kills it at one point of its dealings with files, as
 * `kill -9` at that very moment would:
 *
 * ```sh
 * deno run … --allow-run tests/e2e/crash/kill_at_main.ts 2 "write jsonl" start …
 * ```
 *
 * dies when it is about to write to such a file for the second time; of what it
 * writes, half is written.
 *
 * @module
 */

import { basename } from "node:path";
import { runProgram } from "../../../lib/commands/program.ts";
import { listenForSignals } from "../../../lib/commands/signals.ts";

const [occurrence = "", point = "", ...args] = Deno.args;
const paths = new WeakMap<Deno.FsFile, string>();
let left = Number(occurrence);

/** The program is about to change a file. */
function changes(
  what: string,
  path: string,
  half: () => void = () => {},
): void {
  if (`${what} ${nameOf(path)}` !== point || --left !== 0) return;
  half();
  Deno.kill(Deno.pid, "SIGKILL");
}

/** Names that are the same on every day, and for every cluster. */
function nameOf(path: string): string {
  const name = basename(path);
  if (name.endsWith(".jsonl")) return "jsonl";
  return name.includes("_") ? "directory" : name;
}

const { mkdir, open, rename, chmod } = Deno;
Object.assign(Deno, {
  mkdir(path: string, options?: Deno.MkdirOptions) {
    changes("mkdir", path);
    return mkdir(path, options);
  },
  async open(path: string, options?: Deno.OpenOptions) {
    if (options?.write || options?.append) changes("open", path);
    const file = await open(path, options);
    paths.set(file, path);
    return file;
  },
  rename(from: string, to: string) {
    changes("rename", from);
    return rename(from, to);
  },
  chmod(path: string, mode: number) {
    changes("chmod", path);
    return chmod(path, mode);
  },
});

const { write, sync, truncate } = Deno.FsFile.prototype;
Object.assign(Deno.FsFile.prototype, {
  write(this: Deno.FsFile, bytes: Uint8Array) {
    const half = bytes.subarray(0, bytes.length / 2);
    changes("write", paths.get(this) ?? "", () => this.writeSync(half));
    return write.call(this, bytes);
  },
  sync(this: Deno.FsFile) {
    changes("sync", paths.get(this) ?? "");
    return sync.call(this);
  },
  truncate(this: Deno.FsFile, length?: number) {
    changes("truncate", paths.get(this) ?? "");
    return truncate.call(this, length);
  },
});

Deno.exit(await runProgram(args, listenForSignals));
