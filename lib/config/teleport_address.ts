/**
 * Addresses of Teleport as people write them.
 *
 * @module
 */

import type { Address } from "../address.ts";
import { ConfigError } from "../errors.ts";
import { parseAddress } from "./address.ts";
import { refusal } from "./refusal.ts";
import { list, type ValueType } from "./value_type.ts";

/** Where a proxy listens, which is where people see Teleport. */
const PROXY_PORT = 443;
/** Where an auth service listens. */
const AUTH_PORT = 3025;

const HOST = /^(?:\[[\da-f:.]+\]|[^\s:/@?#[\]]+)$/i;
/** A web address; behind the host, the website's own pages as a browser shows them. */
const WEB_ADDRESS = /^https:\/\/([^/?#@]+)(?:\/(?:web(?:\/.*)?)?)?$/i;

/**
 * Reads `host:port`, a proxy's web address such as `https://example.com`, or a host
 * alone, which may be a proxy or an auth service. IPv6 addresses are in brackets.
 *
 * @returns What it may mean, in the order in which it is to be tried
 * @throws {ConfigError} where it is something else
 */
export function parseTeleportAddress(text: string): Address[] {
  if (HOST.test(text)) {
    return [
      parseAddress(`${text}:${PROXY_PORT}`),
      { ...parseAddress(`${text}:${AUTH_PORT}`), alternative: true },
    ];
  }
  if (!text.includes("://")) return [parseAddress(text)];
  const [, authority] = WEB_ADDRESS.exec(text) ?? [];
  if (authority === undefined) {
    throw refusal(
      text,
      "is not a proxy's web address: write https://host, https://host:port, or host:port",
    );
  }
  return [
    parseAddress(
      HOST.test(authority) ? `${authority}:${PROXY_PORT}` : authority,
    ),
  ];
}

const LIST = list("ADDRESS,...", parseTeleportAddress);

/** Addresses, at least one, in the order in which they are tried. */
export const TELEPORT_ADDRESSES: ValueType<readonly Address[]> = {
  ...LIST,
  parse(texts, context) {
    const addresses = LIST.parse(texts, context).flat();
    if (addresses.length === 0) throw new ConfigError(["needs a value"]);
    return addresses;
  },
};
