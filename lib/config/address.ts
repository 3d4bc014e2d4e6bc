/**
 * Network addresses as people write them.
 *
 * @module
 */

import type { Address } from "../address.ts";
import { refusal } from "./refusal.ts";

const HOST_PORT = /^(?:\[([\da-f:.]+)\]|([^\s:/@?#[\]]+)):(\d{1,5})$/i;
const MAX_PORT = 65_535;

/**
 * Reads `host:port`, with IPv6 addresses in brackets.
 *
 * @param written What it was made from, for messages
 * @throws {ConfigError} where it is something else
 */
export function parseAddress(text: string, written = text): Address {
  const [, ipv6, name, digits] = HOST_PORT.exec(text) ?? [];
  const host = ipv6 ?? name;
  if (host === undefined) throw refusal(written, complaint(text));
  const port = Number(digits);
  if (port > MAX_PORT) {
    throw refusal(
      written,
      `has a port that is too large: ${MAX_PORT} is the last`,
    );
  }
  return { host, port };
}

function complaint(text: string): string {
  if (text.includes("://")) {
    return "is a URL: write host:port, without scheme and path";
  }
  if (/^[^\s:/@?#[\]]+:?$/.test(text)) {
    return "has no port: write host:port";
  }
  if (/^:\d+$/.test(text)) return "has no host: write host:port";
  return "is not an address: write host:port, an IPv6 address in brackets";
}
