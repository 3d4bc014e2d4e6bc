/**
 * Prometheus' own judge of metrics and rules, from Debian's package `prometheus`.
 *
 * @module
 */

const REQUIRE_VARIABLE = "TELEPORT_EVENT_HANDLER_REQUIRE_PROMTOOL";

/** What promtool said. */
export interface Judgement {
  readonly code: number;
  /** Standard output, and then standard error. */
  readonly output: string;
}

/**
 * For `Deno.test({ ignore })`: says why a test is left out. Where the environment
 * requires promtool, nothing is left out, and the test fails without it.
 */
export function ignoreWithoutPromtool(): boolean {
  if (Deno.env.get(REQUIRE_VARIABLE) === "1") return false;
  try {
    new Deno.Command("promtool", {
      args: ["--version"],
      stdout: "null",
      stderr: "null",
    }).outputSync();
    return false;
  } catch {
    // deno-lint-ignore no-console
    console.warn(
      "promtool is not installed: apt-get install prometheus; tests with it are ignored",
    );
    return true;
  }
}

/** Runs promtool to its end. */
export async function promtool(
  args: readonly string[],
  { input = "", cwd }: { input?: string; cwd?: string } = {},
): Promise<Judgement> {
  const process = new Deno.Command("promtool", {
    args: [...args],
    ...cwd !== undefined && { cwd },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [{ code, stdout, stderr }] = await Promise.all([
    process.output(),
    new Blob([input]).stream().pipeTo(process.stdin),
  ]);
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}
