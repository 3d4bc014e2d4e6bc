/**
 * Where to listen, as people write it.
 *
 * @module
 */

import type { Address } from "../address.ts";
import { parseAddress } from "./address.ts";
import { single, type ValueType } from "./value_type.ts";

/** What is meant where only a port is given: this machine alone. */
const LOOPBACK = "127.0.0.1";

/**
 * An address to listen on: `host:port`, or the port alone, for who is on this
 * machine. Other programs take `:9090` for all addresses; here these are asked for
 * by name, `0.0.0.0:9090`.
 */
export const LISTEN_ADDRESS: ValueType<Address> = single(
  "[HOST:]PORT",
  (text) => {
    const [, port] = /^:?(\d+)$/.exec(text) ?? [];
    return parseAddress(
      port === undefined ? text : `${LOOPBACK}:${port}`,
      text,
    );
  },
);
