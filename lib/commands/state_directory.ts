/**
 * Where the state of a cluster is.
 *
 * @module
 */

import { join } from "node:path";
import type { HostPort } from "../config/config.ts";
import { ConfigError } from "../errors.ts";

/**
 * The directory of a cluster's state: named as the Go handler names it, after the
 * first address.
 */
export function stateDirectory(
  storage: string,
  addresses: readonly HostPort[],
): string {
  const [address] = addresses;
  if (address === undefined) throw new ConfigError(["teleport-addr is empty"]);
  return join(storage, `${address.host}_${address.port}`);
}
