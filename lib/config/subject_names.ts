/**
 * The names and addresses that a certificate is good for.
 *
 * @module
 */

import { isIpAddress } from "./ip_address.ts";
import { refusal } from "./refusal.ts";
import { list, type ValueType } from "./value_type.ts";

const LABEL = /^[a-z\d_]([a-z\d_-]{0,61}[a-z\d_])?$/i;
const MAX_LENGTH = 253;

/** Host names, the first label may be `*`. */
export const DNS_NAMES: ValueType<readonly string[]> = list(
  "NAME,...",
  (name) => {
    if (isIpAddress(name)) {
      throw refusal(name, "is an IP address: give it with ip");
    }
    if (!isDnsName(name)) {
      throw refusal(name, "is not a host name, like fluentd.example.com");
    }
    return name;
  },
);

/**
 * IPv4 or IPv6 addresses. Of IPv6, without the IPv4 that some are written with:
 * what makes certificates would read that wrongly.
 */
export const IP_ADDRESSES: ValueType<readonly string[]> = list(
  "ADDRESS,...",
  (address) => {
    if (!isIpAddress(address)) {
      throw refusal(address, "is not an IP address, like 10.0.0.7");
    }
    return address.includes(":")
      ? new URL(`http://[${address}]`).hostname.slice(1, -1)
      : address;
  },
);

/** What a URL takes for an address, like `10.1` or `0x7f.1`, is none. */
function isDnsName(name: string): boolean {
  const host = name.replace(/^\*\./, "");
  return name.length <= MAX_LENGTH &&
    host.split(".").every((label) => LABEL.test(label)) &&
    URL.parse(`https://${host}`)?.hostname === host.toLowerCase();
}
