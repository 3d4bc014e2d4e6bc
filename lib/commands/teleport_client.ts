/**
 * The Teleport that is configured.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { TeleportConfig } from "../config/config.ts";
import type { Term } from "../credentials.ts";
import { logger } from "../log.ts";
import { renewalObserver } from "../operate/renewal_observer.ts";
import { formatAddress } from "../address.ts";
import { TeleportClient } from "../teleport/client.ts";
import type { ConnectionObserver } from "../teleport/connection.ts";
import {
  type Identity,
  identityPaths,
  identityTerms,
  loadIdentity,
} from "../teleport/identity.ts";
import { WatchedFiles } from "../watched_files.ts";
import { keepFresh, REFRESH_MS } from "./keep_fresh.ts";

/** A client, and the credentials that it uses. */
export interface OpenTeleport {
  readonly client: TeleportClient;
  /** The certificates in use. */
  terms(): readonly Term[];
  /** Takes renewed files, until `stop` aborts. */
  keepFresh(stop: AbortSignal): Promise<void>;
}

/**
 * Makes a client, which connects on first use.
 *
 * @throws {ConfigError} naming the file, or the variable of an HTTP proxy
 */
export async function openTeleport(
  { addresses, credentials, refreshIntervalMs }: TeleportConfig,
  clock: Clock,
): Promise<OpenTeleport> {
  const termsOf = (identity: Identity) => identityTerms(identity, credentials);
  const files = await WatchedFiles.open<Identity>({
    paths: identityPaths(credentials),
    async load(stop) {
      const identity = await loadIdentity(credentials, clock.now());
      if (stop !== undefined) await client.renew(identity, stop);
      return identity;
    },
    intervalMs: refreshIntervalMs ?? REFRESH_MS,
    clock,
    observer: renewalObserver("teleport", termsOf),
  });
  const client: TeleportClient = new TeleportClient({
    addresses,
    identity: files.value,
    observer: connectionLog(),
  });
  return {
    client,
    terms: () => termsOf(client.identity),
    keepFresh: (stop) =>
      keepFresh(files, {
        refreshIntervalMs,
        endMs: client.identity.certificate.notAfterMs,
        clock,
        stop,
      }),
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
        server_certificate_until: new Date(shown.notAfterMs).toISOString(),
      });
      told = text;
    },
  };
}
