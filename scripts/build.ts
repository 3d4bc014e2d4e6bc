/**
 * Compiles the program to one binary, with exactly its permissions and with the
 * commit that it is built from.
 *
 *     deno task build [--output <file>] [--target <triple>]
 *
 * Whatever else is given is given to `deno compile`. What it puts the program into,
 * denort, it downloads once, or takes from the file that DENORT_BIN names.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { PERMISSIONS } from "./permissions.ts";
import { V8_FLAGS } from "./v8_flags.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

const WORKER = "lib/fluentd/delivery_worker.ts";

/** What the binary is made of. */
const SOURCES = ["deno.json", "deno.lock", "main.ts", "lib"];

const { output, rest } = readArguments(Deno.args);
const copy = await Deno.makeTempDir({ prefix: "teleport_event_handler_" });
try {
  for (const name of SOURCES) await copyAll(join(ROOT, name), join(copy, name));
  await Deno.writeTextFile(
    join(copy, "lib", "build.json"),
    JSON.stringify({ commit: await currentCommit() }),
  );
  await Deno.mkdir(dirname(output), { recursive: true });
  Deno.exitCode = await compile();
} finally {
  await Deno.remove(copy, { recursive: true });
}

function readArguments(args: readonly string[]) {
  const rest = [...args];
  const at = rest.findIndex((word) => /^(-o|--output)(=|$)/.test(word));
  if (at < 0) return { output: join(ROOT, "bin/teleport-event-handler"), rest };
  const [flag = ""] = rest.splice(at, 1);
  const value = flag.includes("=")
    ? flag.slice(flag.indexOf("=") + 1)
    : rest.splice(at, 1)[0] ?? "";
  return { output: resolve(value), rest };
}

/** A copy is built: then the commit is in the binary, and not in the work tree. */
async function copyAll(from: string, to: string): Promise<void> {
  if ((await Deno.stat(from)).isFile) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) {
    await copyAll(join(from, name), join(to, name));
  }
}

/** E.g. `1a2b3c4d5e6f`, with `-dirty` where files differ; `null` outside of git. */
async function currentCommit(): Promise<string | null> {
  try {
    const { success, stdout } = await new Deno.Command("git", {
      args: ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
      cwd: ROOT,
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout).trim() : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function compile(): Promise<number> {
  const fetched = await deno([
    "install",
    "--frozen",
    "--entrypoint",
    "main.ts",
  ]);
  if (fetched.code !== 0) return fetched.code;
  const { code, stderr } = await deno([
    "compile",
    "--frozen",
    "--exclude-unused-npm",
    ...await unparsable(),
    // Nobody imports it: it is a thread's own program.
    `--include=${WORKER}`,
    ...PERMISSIONS,
    V8_FLAGS,
    `--output=${output}`,
    ...rest,
    "main.ts",
  ]);
  if (code === 0) console.error(`Built ${output}`);
  else if (/denort/i.test(stderr)) {
    console.error(
      `\nerror: cannot build ${output}: there is no denort, the runtime that ` +
        "deno compile\nputs the program into. It is downloaded once. Without " +
        "access, get the archive\ndenort-<target>.zip of this release " +
        `(${Deno.version.deno}) by other means, unpack it, and name\nthe file ` +
        "in DENORT_BIN.",
    );
  } else console.error(`\nerror: cannot build ${output}: see above.`);
  return code;
}

/**
 * Deno 2.9 parses every file of a package that has no extension, and its stack
 * overflows on a long list of numbers: these are test data, and not needed.
 */
async function unparsable(): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
  }).output();
  const { npmCache }: { npmCache: string } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  const excluded: string[] = [];
  for await (const registry of Deno.readDir(npmCache)) {
    const versions = join(npmCache, registry.name, "bintrees");
    for (const version of await namesIn(versions)) {
      excluded.push(`--exclude=${join(versions, version, "test")}`);
    }
  }
  return excluded;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(directory)))
      .filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    if (error instanceof Deno.errors.NotADirectory) return [];
    throw error;
  }
}

/** Runs Deno in the copy, and shows what it says. */
async function deno(
  args: readonly string[],
): Promise<{ readonly code: number; readonly stderr: string }> {
  const process = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: copy,
    stdin: "null",
    stderr: "piped",
  }).spawn();
  const [shown, read] = process.stderr.tee();
  const [stderr, { code }] = await Promise.all([
    new Response(read).text(),
    process.status,
    shown.pipeTo(Deno.stderr.writable, { preventClose: true }),
  ]);
  return { code, stderr };
}
