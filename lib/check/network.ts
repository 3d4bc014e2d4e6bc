/**
 * The way to a host: its name, and a connection.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { describe } from "../errors.ts";
import { type Address, formatAddress } from "../address.ts";
import { type HttpProxy, through } from "../http_proxy.ts";
import { connectTcp } from "../teleport/tcp.ts";
import { attempt, type Finding } from "./finding.ts";

const TIMEOUT_MS = 10_000;

/** The steps of `checkNetwork`. */
export const NETWORK_STEPS = ["name", "TCP"];

/** A host that is to be reached. */
export interface Host {
  readonly address: Address;
  /** The HTTP proxy in between; undefined: none. */
  readonly httpProxy: HttpProxy | undefined;
  /** The option that names it. */
  readonly option: string;
}

/**
 * Resolves the name and connects.
 *
 * @throws `signal.reason`
 */
export async function* checkNetwork(
  { address, httpProxy, option }: Host,
  signal: AbortSignal,
): AsyncGenerator<Finding, boolean> {
  const name = await attempt("name", signal, async () => ({
    text: httpProxy === undefined
      ? await resolveName(address.host, option)
      : `left to the HTTP proxy ${formatAddress(httpProxy.address)}`,
    value: true,
  }));
  yield name.finding;
  if (!name.value) return false;

  const tcp = await attempt("TCP", signal, async () => {
    await tryConnection({ address, httpProxy, option }, signal);
    return { text: `${formatAddress(address)} accepts`, value: true };
  });
  yield tcp.finding;
  return tcp.value ?? false;
}

async function resolveName(host: string, option: string): Promise<string> {
  if (isIP(host) !== 0) return `${host} is an address`;
  try {
    const addresses = await lookup(host, { all: true });
    return `${host} is ${addresses.map(({ address }) => address).join(", ")}`;
  } catch (cause) {
    throw new Error(
      `the name ${host} cannot be resolved: is it right in ${option}, and does this machine's DNS know it? (${
        describe(cause)
      })`,
      { cause },
    );
  }
}

async function tryConnection(
  { address, httpProxy, option }: Host,
  signal: AbortSignal,
): Promise<void> {
  const late = AbortSignal.timeout(TIMEOUT_MS);
  const text = formatAddress(address);
  try {
    const socket = await connectTcp(address, {
      httpProxy,
      signal: AbortSignal.any([signal, late]),
    });
    socket.destroy();
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (late.aborted) {
      throw new Error(
        `no connection to ${text}${through(httpProxy)} within ${
          TIMEOUT_MS / 1_000
        } s: is the address right in ${option}, and does every firewall let us through?`,
      );
    }
    const what = describe(cause);
    throw new Error(
      httpProxy === undefined && /ECONNREFUSED|refused/i.test(what)
        ? `connection to ${text} refused: is it running, and is the port right in ${option}? (${what})`
        : `no connection to ${text}: ${what}`,
      { cause },
    );
  }
}
