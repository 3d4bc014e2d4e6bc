/**
 * `configure` as a process of its own, with exactly the permissions of the binary.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { PERMISSIONS } from "../../scripts/permissions.ts";

const ROOT = new URL("../../", import.meta.url);

/** How a run ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a run is started with besides its arguments. */
export interface Surroundings {
  /** Comes in through a pipe; none: there is nothing to read. */
  readonly stdin?: string | Uint8Array<ArrayBuffer>;
}

/** Runs it to its end. Keys are small and quick unless the arguments say otherwise. */
export function runConfigure(
  args: readonly string[],
  { stdin }: Surroundings = {},
): Promise<Outcome> {
  return run(Deno.execPath(), programArgs(args), stdin);
}

/**
 * The same at a terminal, where somebody types.
 *
 * @param typed What, once `after` is on the screen
 */
export async function runConfigureAtTerminal(
  args: readonly string[],
  { typed, after }: { readonly typed: string; readonly after: string },
): Promise<Outcome> {
  const command = [Deno.execPath(), ...programArgs(args)]
    .map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  return await run("script", ["-qec", command, "/dev/null"], typed, after);
}

/** For `Deno.test({ ignore })`: says why a test is left out. */
export function ignoreWithoutTerminal(): boolean {
  try {
    const { stdout } = new Deno.Command("script", { args: ["--version"] })
      .outputSync();
    if (new TextDecoder().decode(stdout).includes("util-linux")) return false;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  // deno-lint-ignore no-console
  console.warn(
    "script of util-linux is not there: tests at a terminal are ignored",
  );
  return true;
}

function programArgs(args: readonly string[]): string[] {
  return [
    "run",
    "--quiet",
    "--config",
    fileURLToPath(new URL("deno.json", ROOT)),
    ...PERMISSIONS,
    fileURLToPath(new URL("main.ts", ROOT)),
    "configure",
    "--key-type=ecdsa-p256",
    ...args,
  ];
}

async function run(
  program: string,
  args: readonly string[],
  stdin: string | Uint8Array<ArrayBuffer> | undefined,
  after = "",
): Promise<Outcome> {
  await using process = new Deno.Command(program, {
    args: [...args],
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // A terminal stays open: its end would be read as well as what is typed.
  const isTerminal = after !== "";
  let stdout = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    let isTyped = false;
    const type = async () => {
      if (isTyped || stdin === undefined || !stdout.includes(after)) return;
      isTyped = true;
      await write(process.stdin, stdin, { close: !isTerminal });
    };
    await type();
    for await (const chunk of process.stdout) {
      stdout += decoder.decode(chunk, { stream: true });
      await type();
    }
    if (stdin === undefined || isTyped && !isTerminal) return;
    await process.stdin.abort();
  })();
  const [stderr, { code }] = await Promise.all([
    new Response(process.stderr).text(),
    process.status,
    reading,
  ]);
  return { code, stdout, stderr };
}

async function write(
  stream: WritableStream<Uint8Array<ArrayBuffer>>,
  input: string | Uint8Array<ArrayBuffer>,
  { close }: { readonly close: boolean },
): Promise<void> {
  const writer = stream.getWriter();
  try {
    await writer.write(
      typeof input === "string" ? new TextEncoder().encode(input) : input,
    );
    if (close) await writer.close();
  } catch (error) {
    // It may have refused its arguments without reading.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  } finally {
    writer.releaseLock();
  }
}
