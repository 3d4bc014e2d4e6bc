/**
 * A configuration for this program.
 *
 * @module
 */

import { fluentdUrls, passphraseFile, pathOf, type Setup } from "./setup.ts";

/** The text of `teleport-event-handler.toml`. */
export function eventHandlerToml(setup: Setup): string {
  const { names, teleportAddress, lockUsers, clientKeyPassword } = setup;
  const { url, sessionUrl } = fluentdUrls(setup);
  const path = (name: string) => quote(pathOf(setup, name));
  const passphrase = clientKeyPassword === undefined
    ? ""
    : `key-passphrase-file = ${path(passphraseFile(setup))}\n`;
  return `storage = ${path("storage")}
# start-time = "2026-01-01T00:00:00Z" # everything since; without it, from now on

[teleport]
addr = ${quote(teleportAddress)}
identity = ${path("identity")}
refresh-enabled = true # certificates are renewed without a restart

[forward.fluentd]
url = ${quote(url)}
session-url = ${quote(sessionUrl)}
ca = ${path(`${names.ca}.crt`)}
cert = ${path(`${names.client}.crt`)}
key = ${path(`${names.client}.key`)}
${passphrase}${lockUsers ? "\n[lock]\nenabled = true\n" : ""}`;
}

/** JSON's strings are TOML's basic strings, but for DEL. */
function quote(value: string): string {
  return JSON.stringify(value).replaceAll("\x7f", "\\u007f");
}
