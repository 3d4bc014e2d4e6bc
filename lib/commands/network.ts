/**
 * What holds for all connections of a process.
 *
 * @module
 */

import type { Config, DeliveryConfig } from "../config/config.ts";
import { exceptForFetch } from "../fetch_client.ts";
import { type Address, formatAddress } from "../address.ts";
import { logger } from "../log.ts";
import { trustSystemRoots } from "../root_store.ts";

/**
 * Has `fetch` reach these hosts without a proxy where an exception says so, and TLS
 * trust what the system trusts. To be called before anything else that connects.
 *
 * @throws {ConfigError} naming the variable of a proxy that cannot be used
 */
export function settleNetwork(
  addresses: readonly Address[],
  target: Config["target"] | DeliveryConfig,
): void {
  const urls = addresses.map((it) => `https://${formatAddress(it)}`);
  if ("fluentd" in target) {
    urls.push(target.fluentd.url, target.fluentd.sessionUrl);
  }
  // Where a name is none that a URL takes, fetch never goes there.
  exceptForFetch(urls.map((it) => URL.parse(it)).filter((it) => it !== null));
  const error = trustSystemRoots();
  if (error !== undefined) {
    logger("credentials").warn(
      "the CAs that the system trusts cannot be loaded, only Mozilla's are trusted",
      { error },
    );
  }
}
