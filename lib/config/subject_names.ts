/**
 * The names and addresses that a certificate is good for.
 *
 * @module
 */

import { isIpAddress } from "./ip_address.ts";
import { refusal } from "./refusal.ts";
import { list, type ValueType } from "./value_type.ts";

const DNS_NAME = /^(\*\.)?[a-z\d_]([a-z\d_-]*[a-z\d_])?(\.[a-z\d_-]+)*$/i;

/** Host names, the first label may be `*`. */
export const DNS_NAMES: ValueType<readonly string[]> = list(
  "NAME,...",
  (name) => {
    if (isIpAddress(name)) {
      throw refusal(name, "is an IP address: give it with ip");
    }
    const isTooLong = name.split(".").some(({ length }) => length > 63);
    if (isTooLong || !DNS_NAME.test(name)) {
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
