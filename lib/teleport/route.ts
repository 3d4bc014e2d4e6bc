/**
 * How the auth service is reached from an address: directly, or through a proxy
 * that passes TLS on.
 *
 * @module
 */

import type { Socket } from "node:net";
import { describe } from "../errors.ts";
import type { Address } from "../address.ts";
import type { HttpProxy } from "../http_proxy.ts";
import type { Identity } from "./identity.ts";
import {
  explainLook,
  type Look,
  noTeleport,
  noTlsRouting,
  notPassedOn,
  silent,
  unreachable,
} from "./route_error.ts";
import { connectTcp } from "./tcp.ts";
import { AUTH_SERVER_NAME, shakeHands, type Shown, tlsOptions } from "./tls.ts";
import { NoProxyError, pingProxy, type ProxyPing } from "./web_ping.ts";

/** A way to the auth service. */
export interface Route {
  /** Whether the auth service listens there, or a proxy that passes TLS on to it. */
  readonly kind: "auth service" | "TLS routing";
  readonly address: Address;
  /** The HTTP proxy in between; undefined: none. */
  readonly httpProxy: HttpProxy | undefined;
  /** What to offer as application protocols (ALPN): that is what a proxy goes by. */
  readonly protocols: readonly string[];
  /** The certificate of the auth service. */
  readonly shown: Shown;
}

/** With what to look for a way. */
export interface RouteOptions {
  readonly identity: Identity;
  /** The HTTP proxy in between (`httpProxyFor`); undefined: none. */
  readonly httpProxy: HttpProxy | undefined;
  readonly signal: AbortSignal;
}

const DIRECT = ["h2"];
/** How long a connection and its TLS handshake, or a proxy's answer, may take. */
const TIMEOUT_MS = 10_000;

/**
 * Finds out how the auth service is reached from an address. Connects, shows the
 * client certificate, and disconnects: whether the auth service accepts it shows
 * only in a call.
 *
 * @throws {RouteError} saying what is there instead, and what to do
 * @throws `signal.reason`
 */
export async function resolveRoute(
  address: Address,
  options: RouteOptions,
): Promise<Route> {
  const { identity, httpProxy } = options;
  const direct = await look(address, DIRECT, options);
  if (isTrusted(direct)) {
    const { shown } = direct;
    const protocols = DIRECT;
    return { kind: "auth service", address, httpProxy, protocols, shown };
  }
  const wrong = explainLook(address, direct, identity);
  if (wrong !== undefined) throw wrong;

  const ping = await askProxy(address, direct, options);
  if (!ping.tlsRouting) throw noTlsRouting(address);
  const protocols = [authProtocol(ping.cluster), ...DIRECT];
  const routed = await look(address, protocols, options);
  if (isTrusted(routed)) {
    const { shown } = routed;
    return { kind: "TLS routing", address, httpProxy, protocols, shown };
  }
  throw explainLook(address, routed, identity) ??
    notPassedOn(address, routed, identity);
}

/** The protocol by which a proxy knows that a connection is for the auth service. */
function authProtocol(cluster: string): string {
  const hex = new TextEncoder().encode(cluster).toHex();
  return `teleport-auth@${hex}.${AUTH_SERVER_NAME}`;
}

function isTrusted(look: Look): look is { readonly shown: Shown } {
  return "shown" in look && look.shown.problem === undefined;
}

/** @throws {RouteError} where not even TCP is possible, or nothing is said in time */
async function look(
  address: Address,
  protocols: readonly string[],
  options: RouteOptions,
): Promise<Look> {
  const { identity, httpProxy } = options;
  return await inTime(address, options, async (signal) => {
    let socket: Socket;
    try {
      socket = await connectTcp(address, { httpProxy, signal });
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      throw unreachable(address, cause);
    }
    try {
      const options = tlsOptions(identity, protocols);
      return { shown: await shakeHands(socket, options, signal) };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      return { error: describe(error) };
    }
  });
}

async function askProxy(
  address: Address,
  direct: Look,
  options: RouteOptions,
): Promise<ProxyPing> {
  const { identity } = options;
  return await inTime(address, options, async (signal) => {
    try {
      const { authorities } = identity;
      return await pingProxy(address, { authorities, signal });
    } catch (error) {
      if (!(error instanceof NoProxyError)) throw error;
      throw noTeleport(address, direct, { cause: error, identity });
    }
  });
}

/** Gives up after a while. */
async function inTime<T>(
  address: Address,
  { identity, httpProxy, signal }: RouteOptions,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), TIMEOUT_MS);
  try {
    return await run(AbortSignal.any([signal, late.signal]));
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw late.signal.aborted
      ? silent(address, TIMEOUT_MS, { identity, httpProxy })
      : error;
  } finally {
    clearTimeout(timer);
  }
}
