/**
 * The openssl command, a second opinion on keys and certificates.
 *
 * @module
 */

import { join } from "node:path";
import type { IssuedCertificate } from "../../lib/configure/certificates.ts";
import { writeSecret } from "./pki_files.ts";

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

/**
 * A certificate for `localhost` as `openssl x509 -req` makes it where no extensions
 * are named.
 *
 * @param directory For files that it leaves there
 */
export async function issueVersion1(
  authority: IssuedCertificate,
  directory: string,
): Promise<IssuedCertificate> {
  const path = (name: string) => join(directory, `version-1.${name}`);
  await writeSecret(path("ca"), authority.certificatePem);
  await writeSecret(path("ca.key"), authority.privateKeyPem);
  await openssl(
    ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
      .concat(["-noenc", "-keyout", path("key"), "-out", path("csr")])
      .concat(["-subj", "/CN=localhost"]),
  );
  const certificatePem = await openssl(
    ["x509", "-req", "-in", path("csr"), "-days", "1", "-CA", path("ca")]
      .concat(["-CAkey", path("ca.key"), "-set_serial", "1"]),
  );
  const privateKeyPem = await Deno.readTextFile(path("key"));
  return { certificatePem, privateKeyPem };
}
