/**
 * Where the state of a cluster is.
 *
 * @module
 */

import { join } from "node:path";
import type { Address } from "../address.ts";
import { ConfigError } from "../errors.ts";
import { StateError } from "../state/document.ts";

/**
 * The directory of a cluster's state: named as the Go handler names it, after the
 * first address.
 */
export function stateDirectory(
  storage: string,
  addresses: readonly Address[],
): string {
  const [address] = addresses;
  if (address === undefined) throw new ConfigError(["teleport-addr is empty"]);
  return join(storage, `${address.host}_${address.port}`);
}

/**
 * The state directory. One that is not there holds nothing, but a storage that is
 * mistyped must not read as if nothing was refused.
 */
export async function existingDirectory(
  storage: string,
  addresses: readonly Address[],
): Promise<string> {
  const directory = stateDirectory(storage, addresses);
  try {
    await Deno.stat(directory);
    return directory;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new StateError(
      `there is no ${directory}: nothing was forwarded yet, or storage or teleport-addr is another`,
    );
  }
}
