/**
 * The Teleport that is configured.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { TeleportConfig } from "../config/config.ts";
import type { Term } from "../credentials.ts";
import { logger } from "../log.ts";
import { formatAddress } from "../teleport/address.ts";
import { TeleportClient } from "../teleport/client.ts";
import type { ConnectionObserver } from "../teleport/connection.ts";
import { identityTerms, loadIdentity } from "../teleport/identity.ts";

/** A client, and the credentials that it uses. */
export interface OpenTeleport {
  readonly client: TeleportClient;
  /** The certificates in use. */
  terms(): readonly Term[];
}

/**
 * Makes a client, which connects on first use.
 *
 * @throws {ConfigError} naming the file, or the variable of an HTTP proxy
 */
export async function openTeleport(
  { addresses, credentials }: TeleportConfig,
  clock: Clock,
): Promise<OpenTeleport> {
  const identity = await loadIdentity(credentials, clock.now());
  const terms = identityTerms(identity, credentials);
  return {
    client: new TeleportClient({
      addresses,
      identity,
      observer: connectionLog(),
    }),
    terms: () => terms,
  };
}

/** Tells which way leads to Teleport, whenever it is another one. */
function connectionLog(): ConnectionObserver {
  const log = logger("teleport");
  let told = "";
  return {
    connected({ kind, address, httpProxy, shown }, cluster) {
      const fields = {
        address: formatAddress(address),
        through: kind,
        "http_proxy": httpProxy && formatAddress(httpProxy.address),
        cluster: cluster.name,
        version: cluster.version,
      };
      const text = JSON.stringify(fields);
      log[text === told ? "debug" : "info"]("connected to Teleport", {
        ...fields,
        certificate_until: new Date(shown.notAfterMs).toISOString(),
      });
      told = text;
    },
  };
}
