/**
 * What tbot, which renews credentials, writes into a directory.
 *
 * @module
 */

import { join } from "node:path";
import type { IdentitySource } from "../credentials.ts";
import { ConfigError } from "../errors.ts";

/** An identity file: what tbot's output of the type `identity` writes. */
const IDENTITY = "identity";
/** Three files: what its output of the type `application` writes. */
const CA = "teleport-host-ca.crt";
const CERTIFICATE = "tlscert";
const KEY = "key";

/** All files that credentials can be made of, be `path` a file or a directory. */
export function possibleFiles(path: string): string[] {
  return [
    path,
    ...[IDENTITY, CA, CERTIFICATE, KEY].map((name) => join(path, name)),
  ];
}

/**
 * Finds the files in a directory; `path` itself where it is none.
 *
 * @throws {ConfigError} where the directory holds nothing of the kind
 */
export async function findOutput(path: string): Promise<IdentitySource> {
  if (!await isDirectory(path)) return { kind: "identity", file: path };
  const file = join(path, IDENTITY);
  if (await exists(file)) return { kind: "identity", file };
  const certFile = join(path, CERTIFICATE);
  if (await exists(certFile)) {
    const [caFile, keyFile] = [join(path, CA), join(path, KEY)];
    return { kind: "files", caFile, certFile, keyFile };
  }
  throw new ConfigError([
    `teleport-identity: ${path} is a directory without tbot's ${IDENTITY}, or ${CERTIFICATE}, ${KEY} and ${CA}: ` +
    "name the destination of a tbot output, or an identity file",
  ]);
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    // Reading it says what is wrong.
    return false;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
