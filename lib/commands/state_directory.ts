/**
 * Where the state of a cluster is.
 *
 * @module
 */

import { join } from "node:path";
import type { Address } from "../address.ts";
import { ConfigError, describe } from "../errors.ts";
import { type StateDocument, StateError } from "../state/document.ts";
import { readState } from "../state/state_file.ts";

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
 *
 * @throws {StateError} where there is none, or nobody can tell
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
    if (error instanceof Deno.errors.NotFound) throw notThere(directory);
    throw new StateError(
      `cannot look into the state directory ${directory}: ${describe(error)}`,
      { cause: error },
    );
  }
}

/**
 * The state in a state directory.
 *
 * @throws {StateError} where there is none, or it cannot be read or used
 */
export async function existingState(directory: string): Promise<StateDocument> {
  const state = await readState(directory);
  if (state === undefined) throw notThere(`state in ${directory}`);
  return state;
}

function notThere(what: string): StateError {
  return new StateError(
    `there is no ${what}: nothing was forwarded yet, or storage or teleport-addr is another`,
  );
}
