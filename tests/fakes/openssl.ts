/**
 * The openssl command, a second opinion on keys and certificates.
 *
 * @module
 */

/** What it printed; throws where it fails, with what it said. */
export async function openssl(args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("openssl", {
    args: [...args],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) {
    throw new Error(`openssl ${args.join(" ")}: ${decoder.decode(stderr)}`);
  }
  return decoder.decode(stdout);
}

/** For `Deno.test({ ignore })`: says why a test is left out. */
export function ignoreWithoutOpenssl(): boolean {
  try {
    return !new Deno.Command("openssl", { args: ["version"] }).outputSync()
      .success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // deno-lint-ignore no-console
    console.warn("openssl is not installed; tests that need it are ignored");
    return true;
  }
}
